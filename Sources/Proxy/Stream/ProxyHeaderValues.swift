// The PROXY protocol header that a server's connection begins with: who the client is, and what its own connection was like.

internal import Balancing
internal import Basics
internal import Expressions
internal import ProxyProtocol
internal import Rules
internal import TLS

extension ProxyStream {
    /// What a connection for this client begins with; nil if the server wants nothing of the kind.
    final func proxyHeader(for server: Server, by endpoint: ServerEndpoint) -> [UInt8]? {
        endpoint.proxyHeader.map { version in
            ProxyHeader.bytes(
                version, ProxyHeader.Ends(source: context.client, destination: context.local),
                values: version == .two ? proxyValues(for: server, endpoint.proxyOptions) : TypedValues(),
                hasChecksum: endpoint.proxyOptions.contains(.checksum))
        }
    }

    /// What such a header says beside the addresses.
    private func proxyValues(for server: Server, _ options: ProxyHeaderOptions) -> TypedValues {
        var values = TypedValues()
        let engine = context.connection.clientTLS
        // As in HAProxy the protocol is always told.
        values.append(TypedValues.protocolName) { engine?.append(.protocolName, to: &$0) ?? false }
        if options.contains(.authority) {
            if let name = context.headerValues?.first(TypedValues.authority) {
                values.append(TypedValues.authority, name)
            } else {
                values.append(TypedValues.authority) { engine?.append(.serverName, to: &$0) ?? false }
            }
        }
        if options.contains(.uniqueID), !context.uniqueID.isEmpty {
            values.append(TypedValues.uniqueID, context.uniqueID)
        }
        if options.contains(.tls) { values.append(tlsValue(for: options)) }
        guard let backend, let place = backend.servers.place(of: server) else { return values }
        backend.serverValues.headerValues(for: place, context) { type, value in
            if values.bytes.count + value.count <= Limits.headerValuesBytes { values.append(type, value) }
        }
        return values
    }

    private static var commonName: [UInt8] { Array("CN".utf8) }

    private func tlsValue(for options: ProxyHeaderOptions) -> TLSValue {
        var tls = TLSValue()
        guard let engine = context.connection.clientTLS else { return tls }
        tls.client = .isEncrypted
        if engine.holds(.usesPeerCertificate) {
            tls.client.insert(.sessionHasCertificate)
            if engine.holds(.hasPeerCertificate) { tls.client.insert(.hasCertificate) }
            tls.verifyResult = UInt32(truncatingIfNeeded: engine.number(VerificationNumber.result))
        }
        tls.values.append(TypedValues.tlsVersion) { engine.append(.version, to: &$0) }
        if options.contains(.commonName) {
            tls.values.append(TypedValues.tlsCommonName) {
                unsafe engine.append(entry: Self.commonName.span.bytes, 1, of: .subject, of: .peer, to: &$0)
            }
        }
        if options.contains(.keyAlgorithm) {
            tls.values.append(TypedValues.tlsKeyAlgorithm) { engine.appendKeyDescription(to: &$0) }
        }
        if options.contains(.signatureAlgorithm) {
            tls.values.append(TypedValues.tlsSignatureAlgorithm) {
                engine.append(.signatureAlgorithm, of: .own, to: &$0)
            }
        }
        if options.contains(.cipher) {
            tls.values.append(TypedValues.tlsCipher) { engine.append(.cipher, to: &$0) }
        }
        return tls
    }
}

extension TypedValues {
    /// Appends what `make` makes, if it returns true.
    fileprivate mutating func append(_ type: UInt8, _ make: (inout [UInt8]) -> Bool) {
        var value: [UInt8] = []
        if make(&value) { append(type, value) }
    }
}
