// Sessions of servers: each is found by its own worker under its own name, and there is a limit to how many are kept.

import COpenSSL
import Testing

@testable import TLS

@Suite struct UpstreamSessionsTests {
    private struct NoMemory: Error {}

    private func session() throws -> TLSSession {
        guard let fresh = unsafe SSL_SESSION_new() else { throw NoMemory() }
        defer { unsafe SSL_SESSION_free(fresh) }
        guard let copy = unsafe TLSSession(copyOf: fresh) else { throw NoMemory() }
        return copy
    }

    private func name(_ text: String) -> ServerHelloName? { ServerHelloName(Array(text.utf8)) }

    @Test("A session is found under the name that it was made for; another worker gets a copy")
    func found() throws {
        let sessions = UpstreamSessions(workers: 2)
        let (one, none) = (try session(), try session())
        sessions.keep(one, worker: 0, name: name("a.example"))
        sessions.keep(none, worker: 0, name: nil)
        #expect(sessions.find(worker: 0, name: name("a.example")) === one)
        #expect(sessions.find(worker: 0, name: nil) === none)
        #expect(sessions.find(worker: 0, name: name("b.example")) == nil)
        let copy = sessions.find(worker: 1, name: name("a.example"))
        #expect(copy != nil && copy !== one)
        #expect(sessions.find(worker: 1, name: name("a.example")) === copy)
        #expect(sessions.find(worker: 1, name: name("b.example")) == nil)
    }

    @Test("The newest session replaces an older one")
    func newest() throws {
        let sessions = UpstreamSessions(workers: 1)
        let (old, new) = (try session(), try session())
        for session in [old, new] { sessions.keep(session, worker: 0, name: nil) }
        #expect(sessions.find(worker: 0, name: nil) === new)
    }

    @Test("With names that clients make up, no more sessions are kept than the limit says")
    func limit() throws {
        let sessions = UpstreamSessions(workers: 1)
        let names = (0..<UpstreamSessions.namesMax + 50).compactMap { name("\($0).example") }
        for name in names { sessions.keep(try session(), worker: 0, name: name) }
        #expect(names.count { sessions.find(worker: 0, name: $0) != nil } == UpstreamSessions.namesMax)
        #expect(sessions.find(worker: 0, name: names.last) != nil)
    }
}
