// The head of a request: method, target, version, fields.
//
// The target is stored as received, together with the ranges of its parts. Only valid targets are stored, whether they
// come from the client or from a rule.

internal import Basics

/// The head of one request; reused for the next one, with its memory. Not copyable, so that access through a class
/// property cannot copy it implicitly, which cost a hundred reference counts a request.
public struct RequestHead: ~Copyable, Sendable {
    /// The method. Use `setMethod` to change it.
    public private(set) var method = Method.get
    public var version = HTTPVersion.http11
    /// The version as received, if it is neither `HTTP/1.0` nor `HTTP/1.1`; otherwise empty.
    private var otherVersion: [UInt8] = []
    public var fields = HeaderFields()
    /// The target's form (RFC 9112 section 3.2).
    public var targetForm: TargetForm { parts.form }

    /// The name of an `.other` method.
    private var otherMethod: [UInt8] = []
    // The target. For a target in absolute form with an empty path, "/" and the query follow. Bytes after that are left
    // from an earlier target.
    private var text: [UInt8] = []
    private var targetCount = 0
    /// The end of path and query in `text`.
    private var queryEnd = 0
    private var parts = TargetParts()
    /// The default port of the target's scheme.
    var defaultPort: UInt16? { parts.defaultPort }

    public init() {}

    /// Clears the head and keeps the memory.
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

    /// Changes the method. Returns false and changes nothing if the name is not a token.
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

    /// The version as received, for logs: `HTTP/1.1`, but also, for example, `HTTP/1.2`; `HTTP/2.0` for HTTP/2.
    public var versionName: RawSpan {
        @_lifetime(borrow self)
        get {
            if !otherVersion.isEmpty { return otherVersion.bytes }
            return version.name.bytes
        }
    }

    /// Appends the part of the version after its slash.
    public func appendVersionNumber(to out: inout [UInt8]) {
        let name = versionName
        let slash = name.firstIndex(of: 0x2F, in: 0..<name.byteCount) ?? 0
        out.append(name.extracting(slash + 1..<name.byteCount))
    }

    /// Stores a version whose text differs from `HTTP/1.0` and `HTTP/1.1`.
    mutating func storeVersion(_ version: HTTPVersion, writtenAs text: RawSpan) {
        self.version = version
        otherVersion.overwrite(with: text)
        if otherVersion.count > text.byteCount { otherVersion.removeLast(otherVersion.count - text.byteCount) }
    }

    /// The target as received, or as set by a rule: in origin, absolute or authority form, or `*`.
    public var target: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes.extracting(0..<targetCount) }
    }

    /// Changes the target. Returns false and changes nothing if it is not valid for the method.
    @discardableResult
    public mutating func setTarget(_ target: RawSpan) -> Bool {
        switch TargetParts.parse(target, method: method, acceptInvalid: true) {
        case .success(let parts):
            storeTarget(target, parts)
            return true
        case .failure:
            return false
        }
    }

    /// Stores a target that has been parsed into `parts`.
    mutating func storeTarget(_ target: RawSpan, _ parts: TargetParts) {
        self.parts = parts
        targetCount = target.byteCount
        text.overwrite(with: target)
        queryEnd = targetCount
        if parts.form == .absolute, parts.path.isEmpty || target[parts.path.lowerBound] == 0x23 {
            // RFC 9110 section 4.2.3: an empty path is equivalent to "/". A fragment may follow.
            let behind = parts.path.lowerBound..<target.byteCount
            self.parts.path = targetCount..<targetCount + 1 + parts.path.count
            text.removeSubrange(targetCount...)
            text.append(0x2F)
            text.append(target.extracting(behind))
            queryEnd = text.count
        }
    }

    /// The target's path: `*` for `*`, empty for CONNECT, `/` for an absolute form without a path.
    public var path: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes.extracting(parts.path) }
    }

    /// Whether the target has a `?`.
    public var hasQuery: Bool { queryEnd > parts.path.upperBound }

    /// The query, without its `?`; empty if there is none.
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

    /// The target as servers get it: origin form instead of absolute form (RFC 9112 section 3.2.1), `*` for OPTIONS without a path.
    var targetForServer: RawSpan {
        @_lifetime(borrow self)
        get {
            if targetForm != .absolute { return target }
            return method == .options && hasEmptyPath ? ("*" as StaticString).bytes : pathAndQuery
        }
    }

    /// The target's authority, in absolute and authority form; otherwise empty.
    public var authority: RawSpan {
        @_lifetime(borrow self)
        get { text.bytes.extracting(parts.authority) }
    }

    /// The requested host and port: the value of Host, or else the target's authority; empty if there is neither.
    public var host: RawSpan {
        @_lifetime(borrow self)
        get {
            if let i = fields.first(.host) { return fields.value(i) }
            return authority
        }
    }

    /// Whether the target is in absolute form without path and query.
    var hasEmptyPath: Bool { parts.path.lowerBound == targetCount && queryEnd == targetCount + 1 }
}
