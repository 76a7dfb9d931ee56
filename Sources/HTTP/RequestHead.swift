// The head of a request: method, target, version, fields.
//
// The target is kept as it was received, together with where its parts are; only a complete and valid target
// gets in here, be it the client's or one that a rule made.

internal import Basics

/// The head of one request; reused for the next one, with its memory. Not copyable, so that no access through a class
/// copies it unseen: that cost a hundred reference counts a request.
public struct RequestHead: ~Copyable, Sendable {
    /// The method; `setMethod` changes it.
    public private(set) var method = Method.get
    public var version = HTTPVersion.http11
    /// The version as received, if that is neither `HTTP/1.0` nor `HTTP/1.1`.
    private var otherVersion: [UInt8] = []
    public var fields = HeaderFields()
    /// The target's form (RFC 9112 section 3.2).
    public var targetForm: TargetForm { parts.form }

    /// The name of an `.other` method.
    private var otherMethod: [UInt8] = []
    // The target; if it is in absolute form without a path, a second time its path ("/") and query behind it. What
    // follows, if anything does, is left of an earlier one.
    private var text: [UInt8] = []
    private var targetCount = 0
    /// Where path and query end in `text`.
    private var queryEnd = 0
    private var parts = TargetParts()
    /// The port that the target's scheme means when it names none.
    var defaultPort: UInt16? { parts.defaultPort }

    public init() {}

    /// Forgets the request and keeps the memory.
    public mutating func clear() {
        method = .get
        version = .http11
        if !otherVersion.isEmpty { otherVersion.removeAll(keepingCapacity: true) }
        fields.removeAll()
        targetCount = 0
        queryEnd = 0
        parts = TargetParts()
    }

    /// The method's name as received.
    public var methodName: RawSpan {
        @_lifetime(borrow self)
        get { method == .other ? otherMethod.bytes : method.name.bytes }
    }

    /// Another method. False, and nothing is changed, if the name is not a token.
    @discardableResult
    public mutating func setMethod(_ name: RawSpan) -> Bool {
        guard HeaderFields.isToken(name) else { return false }
        method = Method(name: name)
        if method == .other {
            otherMethod.removeAll(keepingCapacity: true)
            otherMethod.append(name)
        }
        return true
    }

    /// The version as received, for logs: `HTTP/1.1`, but also `HTTP/1.2`.
    public var versionName: RawSpan {
        @_lifetime(borrow self)
        get {
            if !otherVersion.isEmpty { return otherVersion.bytes }
            let name: StaticString = version == .http11 ? "HTTP/1.1" : "HTTP/1.0"
            return name.bytes
        }
    }

    /// Appends what stands behind the version's slash.
    public func appendVersionNumber(to out: inout [UInt8]) {
        let name = versionName
        let slash = name.firstIndex(of: 0x2F, in: 0..<name.byteCount) ?? 0
        out.append(name.extracting(slash + 1..<name.byteCount))
    }

    /// A version that is written otherwise than those known here.
    mutating func takeVersion(_ version: HTTPVersion, writtenAs text: RawSpan) {
        self.version = version
        otherVersion.overwrite(with: text)
        if otherVersion.count > text.byteCount { otherVersion.removeLast(otherVersion.count - text.byteCount) }
    }

    /// The target as received: in origin, absolute or authority form, or `*`.
    public var target: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes.extracting(0..<targetCount) }
    }

    /// Another target. False, and nothing is changed, if it is not a valid target for the method.
    @discardableResult
    public mutating func setTarget(_ target: RawSpan) -> Bool {
        switch TargetParts.parse(target, method: method, acceptInvalid: true) {
        case .success(let parts):
            take(target, parts)
            return true
        case .failure:
            return false
        }
    }

    /// Takes over a target that was parsed into `parts`.
    mutating func take(_ target: RawSpan, _ parts: TargetParts) {
        self.parts = parts
        targetCount = target.byteCount
        text.overwrite(with: target)
        queryEnd = targetCount
        if parts.form == .absolute, parts.path.isEmpty || target[parts.path.lowerBound] == 0x23 {
            // RFC 9110 section 4.2.3: an empty path is the same as "/". A fragment may stand behind it.
            let behind = parts.path.lowerBound..<target.byteCount
            self.parts.path = targetCount..<targetCount + 1 + parts.path.count
            text.removeSubrange(targetCount...)
            text.append(0x2F)
            text.append(target.extracting(behind))
            queryEnd = text.count
        }
    }

    /// The target's path, as received: `*` for `*`, empty for CONNECT, `/` for an absolute form that has none.
    public var path: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes.extracting(parts.path) }
    }

    /// Whether the target has a `?`.
    public var hasQuery: Bool { queryEnd > parts.path.upperBound }

    /// What stands behind the target's first `?`; empty too if there is none.
    public var query: RawSpan {
        @_lifetime(borrow self)
        get {
            text.bytes.extracting(min(parts.path.upperBound + 1, queryEnd)..<queryEnd)
        }
    }

    /// Path, `?` and query: the target in origin form.
    public var pathAndQuery: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes.extracting(parts.path.lowerBound..<queryEnd) }
    }

    /// The authority in the target: of the absolute and authority forms; empty in the others.
    public var authority: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes.extracting(parts.authority) }
    }

    /// The host and port the request is for: the value of Host, or the target's authority; empty if it has neither.
    public var host: RawSpan {
        @_lifetime(borrow self)
        get {
            if let i = fields.first(.host) { return fields.value(i) }
            return authority
        }
    }

    /// Whether an absolute form has neither path nor query.
    var hasEmptyPath: Bool { parts.path.lowerBound == targetCount && queryEnd == targetCount + 1 }
}
