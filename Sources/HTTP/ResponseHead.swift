// The head of a response: version, status, reason, fields.
// Like a request's it cannot hold what would break out of its line, be it a server's or a rule's.

internal import Basics

/// The head of one response; reused for the next one, with its memory. Not copyable, for the reason that `RequestHead`
/// is not.
public struct ResponseHead: ~Copyable, Sendable {
    /// 100 to 999.
    public var status = 200
    public var version = HTTPVersion.http11
    public var fields = HeaderFields()
    /// `reasonCount` bytes of it count.
    private var reasonText: [UInt8] = []
    private var reasonCount = 0

    public init() {}

    /// Forgets the response and keeps the memory.
    public mutating func clear() {
        status = 200
        version = .http11
        fields.removeAll()
        reasonCount = 0
    }

    /// The reason phrase as received; may be empty.
    public var reason: RawSpan {
        @_lifetime(borrow self)
        get { reasonText.bytes.extracting(0..<reasonCount) }
    }

    /// Another reason phrase. False, and nothing is changed, if it has control characters.
    @discardableResult
    public mutating func setReason(_ reason: RawSpan) -> Bool {
        guard HeaderFields.isValidValue(reason) else { return false }
        takeReason(reason)
        return true
    }

    /// Another status, with the usual reason phrase.
    public mutating func setStatus(_ status: Int) {
        precondition(100...999 ~= status, "status \(status) is not three digits from 100")
        self.status = status
        takeReason(reasonPhrase(status).bytes)
    }

    /// Takes over a reason phrase that was checked.
    mutating func takeReason(_ reason: RawSpan) {
        reasonText.overwrite(with: reason)
        reasonCount = reason.byteCount
    }
}
