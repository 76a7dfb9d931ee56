// How most plays begin.

/// The `global` and `defaults` sections that scenarios share: the log on standard output, and time-outs that no scenario sees
/// pass. `global` and `defaults` add lines to them, which replace what is here.
func opening(global: String = "", defaults: String = "") -> String {
    """
    global
        log stdout format raw local0
    \(global)
    defaults
        mode http
        log global
        option httplog
        timeout connect 60s
        timeout client 60s
        timeout server 60s
        timeout check 60s
    \(defaults)
    """
}

/// A front door `www` on a free port before a backend `app` with the servers s1, s2, ... on `ports`.
///
/// The other arguments add lines to the sections, `server` adds words to each server's line and `bind` to the front
/// door's.
struct FrontDoor {
    let portico: Portico
    let port: Int

    init(
        before ports: Int..., global: String = "", defaults: String = "", frontend: String = "", backend: String = "",
        server: String = "", bind: String = ""
    ) throws {
        port = try freePort()
        let servers = ports.enumerated().map { "    server s\($0 + 1) 127.0.0.1:\($1) \(server)" }
        portico = try Portico(
            """
            \(opening(global: global, defaults: defaults))
            frontend www
                bind 127.0.0.1:\(port) \(bind)
            \(frontend)
                default_backend app
            backend app
            \(backend)
            \(servers.joined(separator: "\n"))
            """, listeningOn: port)
    }
}
