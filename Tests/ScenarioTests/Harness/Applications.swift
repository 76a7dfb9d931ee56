// Real application servers with the example application: gunicorn, gevent, uWSGI.

import Foundation
import Glibc
import Testing

/// An instance of examples/flask/app.py in its own process.
final class Application: Sendable {
    enum Server: String, CaseIterable {
        case gunicorn
        /// Two workers, each of which serves one request at a time.
        case gunicornSync = "gunicorn sync"
        case gevent, uwsgi
    }

    let name: String
    let port: Int
    private let server: Server
    private let child: Child
    var pid: pid_t { child.pid }

    /// Starts it; `waitUntilReady` waits until it responds.
    init(_ server: Server, named name: String, on port: Int? = nil, in folder: String) throws {
        self.name = name
        self.port = try port ?? freePort()
        self.server = server
        let address = "127.0.0.1:\(self.port)"
        // Debian's own Python by its full path: the modules are Debian's.
        let arguments =
            switch server {
            case .gunicorn:
                [
                    "/usr/bin/gunicorn", "--bind", address, "--workers", "1", "--worker-class", "gthread",
                    "--threads", "8", "--keep-alive", "75", "--graceful-timeout", "1", "app:app",
                ]
            case .gunicornSync:
                ["/usr/bin/gunicorn", "--bind", address, "--workers", "2", "--graceful-timeout", "1", "app:app"]
            case .gevent:
                ["/usr/bin/python3", "app.py", address]
            case .uwsgi:
                [
                    "/usr/bin/uwsgi", "--http-socket", address, "--plugin", "python3", "--module", "app:app",
                    "--need-app", "--enable-threads", "--threads", "8", "--die-on-term", "--disable-logging",
                ]
            }
        child = try Child(
            arguments, named: "\(name)-\(self.port)", in: folder, workingFolder: projectFolder + "/examples/flask",
            environment: ["INSTANCE": name, "PYTHONDONTWRITEBYTECODE": "1"])
    }

    /// An instance for a single test, which may stop or change it.
    static func start(_ server: Server, named name: String, on port: Int? = nil) throws -> Application {
        let application = try Application(server, named: name, on: port, in: Stage.current.folder)
        Stage.current.atTheEnd { application.stop() }
        try application.waitUntilReady()
        return application
    }

    /// Three under gunicorn with threads, and one under each of the others, shared by all tests, which must not change them.
    static func shared() throws -> [Application] { try sharedInstances.get() }

    /// One of the shared instances.
    static func shared(_ server: Server) throws -> Application {
        try #require(shared().first { $0.server == server })
    }

    private static let sharedInstances = Result<[Application], any Error> {
        let folder = FileManager.default.temporaryDirectory.path + "/scenario-applications-\(getpid())"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let servers: [Server] = [.gunicorn, .gunicorn, .gunicorn, .gunicornSync, .gevent, .uwsgi]
        let applications = try servers.enumerated().map { number, server in
            try Application(server, named: "instance \(number + 1)", in: folder)
        }
        for application in applications { try application.waitUntilReady() }
        try? FileManager.default.removeItem(atPath: folder)
        return applications
    }

    private func waitUntilReady() throws {
        // Several start at once, and Python is slow to start.
        let isReady = eventually(within: 120) {
            guard child.ended() == nil else { return true }
            return (try? fetch("/health", from: port).status) == 200
        }
        guard isReady, child.ended() == nil else {
            throw StageFault("\(name) (\(server)) does not run: \(child.errors)")
        }
    }

    /// Simulates a crash: the process is killed without notice. The children that gunicorn leaves behind notice it
    /// within a second; this waits for them, so that the port is free.
    func crash() {
        let family = descendants(of: pid)
        child.signal(SIGKILL)
        for member in family { kill(member, SIGKILL) }
        _ = child.end()
        _ = eventually { !isListening(on: port) }
    }

    func stop() {
        child.stop()
    }
}

/// The processes that `pid` started, and their descendants.
private func descendants(of pid: pid_t) -> [pid_t] {
    let list = (try? String(contentsOfFile: "/proc/\(pid)/task/\(pid)/children", encoding: .utf8)) ?? ""
    let children = list.split(whereSeparator: \.isWhitespace).compactMap { pid_t($0) }
    return children + children.flatMap { descendants(of: $0) }
}
