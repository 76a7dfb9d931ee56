// The first lines of most configurations.

/// The `global` and `defaults` sections that scenarios share: the log on standard output, and time-outs that are longer than
/// any scenario. `global` and `defaults` add lines to them, which override these.
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

/// A frontend `www` on a free port with a backend `app` with the servers s1, s2, ... on `ports`.
///
/// The other arguments add lines to the sections, `server` adds words to each server's line and `bind` to the
/// frontend's.
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
