// What a request is in the terms of HTTP/2: an extended CONNECT for an Upgrade, pseudo-header fields for its target and its host.

internal import Basics

/// What a request of HTTP/2 says and its head does not.
public struct HTTP2RequestFacts: Sendable, Equatable {
    /// The bytes that Content-Length promises; nil without that field, and where a tunnel follows.
    public var contentLength: UInt64?
    /// The request is an extended CONNECT (RFC 8441), which its head shows as GET with an Upgrade to its protocol.
    public var isExtendedConnect = false

    public init() {}
}

extension RequestHead {
    /// Whether this is a GET that asks for one other protocol (RFC 9110 section 7.8), as HTTP/2 does by an extended CONNECT.
    public var asksForUpgrade: Bool { method == .get && fields.contains(.upgrade) && HeaderFields.isToken(upgrade) }

    /// The protocol that Upgrade names; empty if there is none.
    public var upgrade: RawSpan {
        @_lifetime(borrow self)
        get {
            guard let field = fields.first(.upgrade) else { return RawSpan() }
            return fields.value(field)
        }
    }

    /// Whether it asks for WebSocket (RFC 6455 section 4.1).
    public var asksForWebSocket: Bool { asksForUpgrade && upgrade.equalsIgnoringCase("websocket") }

    /// Whether a request without content says so: it has a Content-Length, or its method is one that usually has content.
    var saysContentLength: Bool {
        fields.contains(.contentLength) || method != .get && method != .head
    }

    /// `:authority`; empty if the request names no host.
    var authorityForHTTP2: RawSpan {
        @_lifetime(borrow self)
        get { method == .connect && targetForm == .authority ? target : host }
    }

    /// `:path`. A rule may have changed the method of a CONNECT, whose target has no path.
    var pathForHTTP2: RawSpan {
        @_lifetime(borrow self)
        get { targetForm == .authority ? ("/" as StaticString).bytes : targetForServer }
    }
}
