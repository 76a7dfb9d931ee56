// The head of a response: version, status, reason, fields.
// Like `RequestHead`, it rejects text that could break out of its line, whether from a server or from a rule.

internal import Basics

/// The head of one response; reused for the next one, with its memory. Not copyable, for the same reason as
/// `RequestHead`.
public struct ResponseHead: ~Copyable, Sendable {
    /// 100 to 999.
    public var status = 200
    public var version = HTTPVersion.http11
    public var fields = HeaderFields()
    /// The reason phrase is its first `reasonCount` bytes.
    private var reasonText: [UInt8] = []
    private var reasonCount = 0

    public init() {}

    /// Clears the head and keeps the memory.
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

    /// Changes the reason phrase. Returns false and changes nothing if it has control characters.
    @discardableResult
    public mutating func setReason(_ reason: RawSpan) -> Bool {
        guard HeaderFields.isValidValue(reason) else { return false }
        storeReason(reason)
        return true
    }

    /// Changes the status, and the reason phrase to its standard one.
    public mutating func setStatus(_ status: Int) {
        precondition(100...999 ~= status, "status \(status) is not three digits from 100")
        self.status = status
        storeReason(reasonPhrase(status).bytes)
    }

    /// Stores a reason phrase that has been validated.
    mutating func storeReason(_ reason: RawSpan) {
        reasonText.overwrite(with: reason)
        reasonCount = reason.byteCount
    }
}
