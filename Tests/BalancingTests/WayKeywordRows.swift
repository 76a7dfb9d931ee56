// Rows of `KeywordTests`: parameters of servers that say how connections to them are made.

import Basics
import Configuration
import Reactor
import Testing

@testable import Balancing

extension KeywordTests {
    static let ways: [Row] = [
        parameter(
            "idle-ping", "5s", sets: { $0.idlePing == .seconds(5) },
            refused: ("idle-ping", "2:35 'idle-ping' lacks an argument; a time")),
        parameter("tfo", sets: { $0.usesFastOpen }),
        parameter("no-tfo", after: "tfo", sets: { !$0.usesFastOpen }),
        parameter(
            "tcp-ut", "30s", sets: { $0.userTimeout == .seconds(30) },
            refused: ("tcp-ut", "2:32 'tcp-ut' lacks an argument; a time")),
        parameter(
            "cc", "bbr", sets: { $0.congestionControl == "bbr" },
            refused: ("cc", "2:28 'cc' lacks an argument; an algorithm")),
        parameter(
            "tcp-md5sig", "secret", sets: { $0.signingKey == Array("secret".utf8) },
            refused: ("tcp-md5sig \"\"", "2:37 a password of 0 bytes; 1 to 80 bytes")),
        Row(
            name: "namespace", accepted: [],
            refused: [
                (
                    "server s 10.0.0.1:80 namespace *",
                    "2:36 the namespace that a client's PROXY protocol header names is not followed; a name in /var/run/netns, or a path"
                ),
                (
                    "server s 10.0.0.1:80 namespace ../x",
                    "2:36 cannot open the network namespace '../x': No such file or directory; a name in /var/run/netns, or a path"
                ),
            ]),
        parameter(
            "socks4", "10.0.0.9:1080", sets: { $0.proxy == .ip(.v4(0x0A00_0009), port: 1_080) },
            refused: ("socks4 proxy:1080", "2:33 'proxy:1080' is not the address of a proxy; <ip>:<port>")),
        parameter("check-via-socks4", sets: { $0.usesProxyInChecks }),
        Row(
            name: "source",
            accepted: [
                (
                    "server s 10.0.0.1:80 source 10.0.0.9:1000-2000 interface eth0",
                    { $0.servers[0].source?.ports == 1_000...2_000 && $0.servers[0].source?.interface == "eth0" }
                ),
                (
                    "server s 10.0.0.1:80 source * usesrc client weight 3",
                    {
                        guard case .client(true)? = $0.servers[0].source?.presented else { return false }
                        return $0.servers[0].source?.address == nil && $0.servers[0].weight == 3
                    }
                ),
                (
                    "server s 10.0.0.1:80 source 0.0.0.0 usesrc hdr_ip(x-for)",
                    {
                        guard case .expression(let word)? = $0.servers[0].source?.presented else { return false }
                        return word.text == "req.hdr_ip(x-for,-1)"
                    }
                ),
                (
                    "server s 10.0.0.1:80 source 10.0.0.8:0 usesrc 10.0.0.9:80",
                    {
                        guard case .fixed(let address)? = $0.servers[0].source?.presented else { return false }
                        return "\(address)" == "10.0.0.9:80" && $0.servers[0].source?.ports == nil
                    }
                ),
            ],
            refused: [
                (
                    "server s 10.0.0.1:80 source 10.0.0.9:80 usesrc 10.0.0.8:1-2",
                    "2:52 a range of ports is not possible here; one port, or none"
                ),
                (
                    "server s [::1]:80 socks4 10.0.0.9:1080",
                    "2:14 a SOCKS proxy of version 4 connects to IPv4 addresses only"
                ),
            ]),
        Row(
            name: "set-proxy-v2-tlv-fmt",
            accepted: [
                (
                    "server s 10.0.0.1:80 set-proxy-v2-tlv-fmt(0xE1) %[src] set-proxy-v2-tlv-fmt(NETNS)",
                    { $0.servers[0].headerValues.map { "\($0.type) \($0.format.text)" } == ["225 %[src]", "48 "] }
                )
            ],
            refused: [
                (
                    "server s 10.0.0.1:80 set-proxy-v2-tlv-fmt x",
                    "2:26 'set-proxy-v2-tlv-fmt' lacks its argument; set-proxy-v2-tlv-fmt(…) with a type, without a blank"
                )
            ]),
    ]
}
