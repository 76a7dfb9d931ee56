// `option external-check`: a program that finds out whether a server is well, run as HAProxy runs it.

public import Basics
public import Configuration
public import Reactor
public import SystemPackage
internal import TLS

/// What the global section says of such programs.
public struct ExternalCheckPermission: SectionSettings {
    /// `external-check`
    public internal(set) var isGiven = false
    /// `external-check preserve-env`
    public internal(set) var keepsEnvironment = false

    public init() {}
}

/// What is told to such a program of the section around the servers.
public struct ExternalCheckPlace: Sendable {
    public var proxyID: Int
    /// The first address that the section listens on; nil for a backend.
    public var listener: SocketAddress?
    public var isHTTP: Bool
    /// `NAME=value`, of this process, for `preserve-env`.
    public var environment: [String]

    public init(proxyID: Int, listener: SocketAddress?, isHTTP: Bool, environment: [String]) {
        self.proxyID = proxyID
        self.listener = listener
        self.isHTTP = isHTTP
        self.environment = environment
    }
}

/// A program that checks one server.
public struct ExternalCommand: Sendable {
    let program: String
    /// Where it is looked for, if its name is no path, and its PATH.
    let searchPath: String
    let place: ExternalCheckPlace
    let isEncrypted: Bool
    let speaksHTTP2: Bool

    /// Starts it.
    public func start(for server: Server, in backend: Backend) throws(Errno) -> ChildProgram {
        let words = arguments(for: server)
        let variables = environment(for: server, in: backend)
        var failure = Errno.noSuchFileOrDirectory
        for path in paths {
            do throws(Errno) {
                return try ChildProgram.start(path, words, environment: variables)
            } catch {
                // As with the shell, a file that may not be run is worth more than one that is missing.
                if failure == .noSuchFileOrDirectory { failure = error }
            }
        }
        throw failure
    }

    /// The files that it may be.
    var paths: [String] {
        if program.contains("/") { return [program] }
        return searchPath.split(separator: ":", omittingEmptySubsequences: true).map { "\($0)/\(program)" }
    }

    /// Where the proxy and the server are: address and port of each.
    func arguments(for server: Server) -> [String] {
        let proxy = place.listener.map(Self.words) ?? Self.nowhere
        let target = server.address.map(Self.words) ?? Self.nowhere
        return [proxy.address, proxy.port, target.address, target.port]
    }

    private static let nowhere = (address: "NOT_USED", port: "NOT_USED")

    private static func words(_ address: SocketAddress) -> (address: String, port: String) {
        if case .path(let path) = address { return (path, nowhere.port) }
        guard let ip = address.ip, let port = address.port else { return ("\(address)", nowhere.port) }
        return ("\(ip)", "\(port)")
    }

    func environment(for server: Server, in backend: Backend) -> [String] {
        let words = arguments(for: server).map { $0 == Self.nowhere.address ? "" : $0 }
        return place.environment.filter { !$0.hasPrefix("PATH=") } + [
            "PATH=\(searchPath)", "HAPROXY_PROXY_NAME=\(backend.name)", "HAPROXY_PROXY_ID=\(place.proxyID)",
            "HAPROXY_PROXY_ADDR=\(words[0])", "HAPROXY_PROXY_PORT=\(words[1])",
            "HAPROXY_SERVER_NAME=\(server.name)", "HAPROXY_SERVER_ID=\(server.id)",
            "HAPROXY_SERVER_ADDR=\(words[2])", "HAPROXY_SERVER_PORT=\(words[3])",
            "HAPROXY_SERVER_MAXCONN=\(server.limits.maxConnections ?? 0)",
            "HAPROXY_SERVER_CURCONN=\(server.active.current)", "HAPROXY_SERVER_SSL=\(isEncrypted ? 1 : 0)",
            "HAPROXY_SERVER_PROTO=\(place.isHTTP ? speaksHTTP2 ? "h2" : "h1" : "tcp")",
        ]
    }
}

extension BalancingSettings {
    /// Where the section has `option external-check`; nil if servers are not checked so.
    public var externalCheck: SourceRange? { if case .external(let range) = checkMethod { range } else { nil } }

    /// What is wrong with that line; nil for nothing.
    public func problemWithExternalCheck(_ permission: ExternalCheckPermission) -> ConfigProblem? {
        guard let range = externalCheck else { return nil }
        guard permission.isGiven else {
            return ConfigProblem(
                "programs are not started, unless the global section allows it", at: range,
                expected: "external-check in the global section")
        }
        guard externalProgram != nil else {
            return ConfigProblem(
                "'option external-check' has no program", at: range, expected: "external-check command <program>")
        }
        return nil
    }

    /// The program that checks a server; nil if it is checked otherwise.
    func command(for server: ServerDraft, in place: ExternalCheckPlace?) -> ExternalCommand? {
        guard externalCheck != nil, server.checkSection == nil, let externalProgram, let place else { return nil }
        return ExternalCommand(
            program: externalProgram, searchPath: externalPath, place: place, isEncrypted: server.tls.isOn,
            speaksHTTP2: server.protocolWord?.choice == .http2)
    }
}

enum ExternalCheckKeywords {
    static let table: [Keyword] = [
        Keyword(
            "external-check", in: .global, usage: "external-check [preserve-env]",
            summary:
                "Allows `option external-check`. With preserve-env the programs get this process's environment, otherwise only what is said "
                + "to them. Portico starts no program without this line."
        ) { (args, draft) throws(ConfigProblem) in
            draft[ExternalCheckPermission.self].isGiven = true
            draft[ExternalCheckPermission.self].keepsEnvironment = args.skip("preserve-env")
        },
        Keyword(
            "option external-check", in: .backends, usage: "option external-check",
            summary:
                "Checks servers by a program (external-check command), which the global section has to allow (external-check): its exit "
                + "code 0 passes. It has as long as `timeout check` or `inter` say, and is ended then.",
            negatable: true
        ) { (args, draft) in
            if !args.isNegated {
                draft[BalancingSettings.self].checkMethod = .external(args.keyword.range)
            } else if draft[BalancingSettings.self].externalCheck != nil {
                draft[BalancingSettings.self].checkMethod = .connecting
            }
        },
        Keyword(
            "external-check command", in: .backends, usage: "external-check command <program>",
            summary:
                "The program of option external-check. Its arguments are the section's first address and port, or NOT_USED twice, and those "
                + "of the server; HAPROXY_SERVER_NAME and other variables say more."
        ) { (args, draft) throws(ConfigProblem) in
            draft[BalancingSettings.self].externalProgram = try args.next("a program").text
        },
        Keyword(
            "external-check path", in: .backends, usage: "external-check path <path>",
            summary: "The PATH of that program, in which it is looked for, too; empty by default."
        ) { (args, draft) throws(ConfigProblem) in
            draft[BalancingSettings.self].externalPath = try args.next("folders with colons between").text
        },
    ]
}
