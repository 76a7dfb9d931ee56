// What balancing algorithms see of an exchange.

public import Balancing
public import HTTP
public import Rules

extension ExchangeFacts: BalancingRequest {
    public func withHead<Result>(_ body: (borrowing RequestHead) -> Result) -> Result { body(request) }
}
