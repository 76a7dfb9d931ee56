// Rows of `KeywordTests`: parameters of servers that say what becomes of their states.

import Basics
import Configuration
import Testing

@testable import Balancing

extension KeywordTests {
    static let states: [Row] = [
        Row(
            name: "slowstart",
            accepted: [
                ("default-server slowstart 20s", { $0.defaultServer.reactions.slowStart == .seconds(20) }),
                ("default-server slowstart 0", { $0.defaultServer.reactions.slowStart == nil }),
            ],
            refused: [("server s 10.0.0.1:80 slowstart", "2:35 'slowstart' lacks an argument; a time")]),
        Row(
            name: "on-marked-down",
            accepted: [
                ("default-server on-marked-down shutdown-sessions", { $0.defaultServer.reactions.endsSessions })
            ],
            refused: [
                (
                    "server s 10.0.0.1:80 on-marked-down shutdown",
                    "2:41 unknown action 'shutdown'; shutdown-sessions; shutdown-sessions?"
                )
            ]),
        Row(
            name: "on-marked-up",
            accepted: [
                (
                    "default-server on-marked-up shutdown-backup-sessions",
                    { $0.defaultServer.reactions.endsBackupSessions }
                )
            ],
            refused: [
                (
                    "server s 10.0.0.1:80 on-marked-up x",
                    "2:39 unknown action 'x'; shutdown-backup-sessions"
                )
            ]),
        Row(
            name: "track", accepted: [("server s 10.0.0.1:80 track a/b", { $0.servers[0].tracked?.text == "a/b" })],
            refused: [("server s 10.0.0.1:80 track", "2:31 'track' lacks an argument; a server")]),
        Row(
            name: "observe",
            accepted: [
                ("default-server observe layer4", { $0.defaultServer.observedLayer == .connections }),
                ("default-server observe layer7", { $0.defaultServer.observedLayer == .responses }),
            ],
            refused: [
                (
                    "server s 10.0.0.1:80 observe layer5",
                    "2:34 unknown layer 'layer5'; one of layer4, layer7; layer4?"
                )
            ]),
        Row(
            name: "error-limit",
            accepted: [("default-server error-limit 3", { $0.defaultServer.observedFailuresMax == 3 })],
            refused: [("server s 10.0.0.1:80 error-limit 0", "2:38 0 is out of range; a count from 1 to 1000000")]),
        Row(
            name: "on-error",
            accepted: [
                ("default-server on-error fastinter", { $0.defaultServer.reactionToFailures == .fastInterval }),
                ("default-server on-error fail-check", { $0.defaultServer.reactionToFailures == .failedCheck }),
                ("default-server on-error sudden-death", { $0.defaultServer.reactionToFailures == .suddenDeath }),
                ("default-server on-error mark-down", { $0.defaultServer.reactionToFailures == .markDown }),
            ],
            refused: [
                (
                    "server s 10.0.0.1:80 on-error mark-up",
                    "2:35 unknown reaction 'mark-up'; one of fastinter, fail-check, sudden-death, mark-down"
                )
            ]),
        Row(
            name: "init-state",
            accepted: [
                ("default-server init-state fully-up", { $0.defaultServer.initialState == .fullyUp }),
                ("default-server init-state up", { $0.defaultServer.initialState == .up }),
                ("default-server init-state down", { $0.defaultServer.initialState == .down }),
                ("default-server init-state fully-down", { $0.defaultServer.initialState == .fullyDown }),
            ],
            refused: [
                (
                    "server s 10.0.0.1:80 init-state x",
                    "2:37 unknown state 'x'; one of fully-up, up, down, fully-down, none"
                )
            ]),
        Row(
            name: "strict-maxconn",
            accepted: [("default-server strict-maxconn", { $0.defaultServer.countsIdleConnections })],
            refused: [("server s 10.0.0.1:80 strict-maxconn 1", "2:41 unknown parameter '1' of 'server'")]),
    ]
}
