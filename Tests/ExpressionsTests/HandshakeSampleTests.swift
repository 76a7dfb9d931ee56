// The PROXY protocol header in rules and in the log.

import Basics
import Configuration
import Foundation
import ProxyProtocol
import RuleTesting
import Testing

@testable import Expressions
@testable import LogFormat
@testable import Patterns
@testable import Rules

@Suite struct HandshakeSampleTests {
    init() {
        unsafe setenv("TZ", "UTC", 1)
        tzset()
    }

    /// An exchange of a connection whose header said something.
    private func announced() throws -> ExchangeContext {
        let context = try exchange()
        var values = TypedValues()
        values.append(TypedValues.padding, [0, 0])
        values.append(TypedValues.authority, "example.com".utf8)
        values.append(TypedValues.uniqueID, "id-1".utf8)
        values.append(0xE0, "first".utf8)
        values.append(0xE0, "second".utf8)
        values.append(0xE1, [])
        context.connection.origin = ConnectionOrigin(
            peer: .ip(.loopbackV4, port: 50_000), local: context.local, headerValues: values)
        context.client = .ip(.v4(0x0102_0304), port: 1_111)
        return context
    }

    @Test(arguments: [
        ("fc_rcvd_proxy", "1"), ("fc_pp_authority", "example.com"), ("fc_pp_unique_id", "id-1"),
        ("fc_pp_tlv(2)", "example.com"), ("fc_pp_tlv(0x05)", "id-1"), ("fc_pp_tlv(authority)", "example.com"),
        ("fc_pp_tlv(UNIQUE_ID)", "id-1"), ("fc_pp_tlv(0xE0)", "first"),
        ("fc_pp_tlv(225)", ""),
        ("fc_pp_tlv(0xEF)", "nothing"), ("fc_err", "0"), ("fc_err_str", "Success"),
        ("src", "1.2.3.4"), ("fc_src", "127.0.0.1"), ("fc_src_port", "50000"),
    ])
    func `what a header says`(expression: String, expected: String) throws {
        #expect(try value(expression, announced()) ?? "nothing" == expected)
    }

    @Test(arguments: [
        ("fc_rcvd_proxy", "0"), ("fc_pp_authority", "nothing"), ("fc_pp_unique_id", "nothing"),
        ("fc_pp_tlv(2)", "nothing"),
    ])
    func `without a header nothing is said`(expression: String, expected: String) throws {
        #expect(try value(expression, exchange()) ?? "nothing" == expected)
    }

    @Test func `a condition looks at each value of a type`() throws {
        #expect(try holds("{ fc_pp_tlv(0xE0) second }", announced()))
        #expect(try holds("{ fc_pp_tlv(0xE0) first }", announced()))
        #expect(try !holds("{ fc_pp_tlv(0xE0) third }", announced()))
        // There, and empty.
        #expect(try holds("{ fc_pp_tlv(0xE1) -m found }", announced()))
        #expect(try !holds("{ fc_pp_tlv(0xE2) -m found }", announced()))
    }

    @Test(arguments: [
        ("fc_pp_tlv(256)", "'256' is no type of a value"), ("fc_pp_tlv(-1)", "'-1' is no type of a value"),
        ("fc_pp_tlv(0x)", "'0x' is no type of a value"), ("fc_pp_tlv(host)", "'host' is no type of a value"),
    ])
    func `types that are none`(expression: String, message: String) throws {
        #expect(try problem("http-request deny if { \(expression) -m found }").message == message)
    }

    @Test func `expect-proxy says that a header is to come, and goes on`() throws {
        let section = try Section(
            .frontend,
            """
            tcp-request connection expect-proxy layer4 if { src 127.0.0.0/8 }
            tcp-request connection reject if { src 127.0.0.2 }
            """)
        let rules = section.rules.ruleSet(.connection)
        let context = try exchange()
        for (client, expects, isRejected) in [
            (IPAddress("127.0.0.1"), true, false), (IPAddress("127.0.0.2"), true, true),
            (IPAddress("10.0.0.1"), false, false),
        ] {
            context.clear()
            context.client = .ip(try #require(client), port: 1)
            let outcome = rules.run(on: context)
            #expect(context.directives.expectsProxyHeader == expects)
            if case .reject = outcome { #expect(isRejected) } else { #expect(!isRejected) }
        }
        #expect(try problem("tcp-request connection expect-proxy layer5").expected == "layer4")
        #expect(throws: (any Error).self) { try Section(.frontend, "tcp-request session expect-proxy layer4") }
    }

    // MARK: The log

    private func failed(_ fault: HandshakeFault) throws -> ExchangeContext {
        let context = try exchange()
        context.client = .ip(.loopbackV4, port: 56_059)
        context.connection.listener = ListenerIdentity(frontendName: "www", socketID: 2)
        context.handshakeFault = fault
        context.outcome.status = 0
        context.outcome.termination = Termination(.proxy, .request)
        context.timers = ExchangeTimers()
        context.timers.acceptDate = WallTime(seconds: 1_354_556_110, microseconds: 380_000)
        context.timers.ended = context.timers.accepted
        return context
    }

    private func line(_ lines: String, isHTTP: Bool = true, _ context: ExchangeContext) throws -> String {
        var out: [UInt8] = []
        try Section(.frontend, lines).draft[ExchangeLogSettings.self].exchangeLog(isHTTP: isHTTP).render(
            context, into: &out)
        return String(decoding: out, as: UTF8.self)
    }

    @Test(
        arguments: ["", "option httplog", "option tcplog", "log-format %ci"], [true, false])
    func `a failed handshake has a line of its own, whatever the format`(lines: String, isHTTP: Bool) throws {
        let context = try failed(.noHeader)
        #expect(
            try line(lines, isHTTP: isHTTP, context)
                == "127.0.0.1:56059 [03/Dec/2012:17:35:10.380] www/2: "
                + "Received something which does not look like a PROXY protocol header")
        context.connection.listener = ListenerIdentity(frontendName: "www", socketID: 2, socketName: "public")
        #expect(try line(lines, isHTTP: isHTTP, context).contains("] www/public: Received something"))
    }

    @Test func `error-log-format is for failed handshakes too`() throws {
        let format = "log-format %ci\nerror-log-format \"%ci %[fc_err] %[fc_err_name] %[fc_err_str]; %ST %ts %B %TR\""
        for isHTTP in [true, false] {
            let line = try line(format, isHTTP: isHTTP, failed(.timedOut))
            #expect(
                line
                    == "127.0.0.1 13 PRX_TIMEOUT Timeout while waiting for PROXY protocol header; 0 PR 0 -1")
        }
    }

    @Test func `in JSON the failure has a key of its own`() throws {
        var out: [UInt8] = []
        try Section(.frontend, "option httplog").draft[ExchangeLogSettings.self].exchangeLog(isHTTP: true).renderJSON(
            failed(.badHeader), into: &out)
        let object = try JSONSerialization.jsonObject(with: Data(out)) as? [String: Any]
        #expect(object?["error"] as? String == "Received an invalid PROXY protocol header")
        #expect(object?["client"] as? String == "127.0.0.1" && object?["status"] as? Int == 0)
        out = []
        try Section(.frontend, "option httplog").draft[ExchangeLogSettings.self].exchangeLog(isHTTP: true).renderJSON(
            exchange(), into: &out)
        #expect(!String(decoding: out, as: UTF8.self).contains("error"))
    }

    @Test func `dontlognull and log-separate-errors count for failed handshakes`() throws {
        func verdict(_ lines: String, hasReceived: Bool) throws -> ExchangeLog.Verdict {
            try Section(.frontend, lines).draft[ExchangeLogSettings.self].exchangeLog(isHTTP: true)
                .verdict(onFailedHandshake: hasReceived)
        }
        #expect(try verdict("", hasReceived: false) == .info)
        #expect(try verdict("option dontlognull", hasReceived: false) == .skip)
        #expect(try verdict("option dontlognull", hasReceived: true) == .info)
        #expect(try verdict("option log-separate-errors", hasReceived: false) == .error)
        #expect(try verdict("option dontlog-normal", hasReceived: false) == .info)
    }

    @Test func `each fault of a header has HAProxy's number`() {
        #expect(HandshakeFault(ProxyHeaderFault.notAHeader).rawValue == 15)
        #expect(HandshakeFault(ProxyHeaderFault.unknownProtocol).rawValue == 17)
        #expect(HandshakeFault(ProxyHeaderFault.tooLong).rawValue == 14)
        let others = ProxyHeaderFault.allCases.filter { ![.notAHeader, .unknownProtocol, .tooLong].contains($0) }
        #expect(others.allSatisfy { HandshakeFault($0).rawValue == 16 })
        #expect(ClientAddressFault.allCases.map { HandshakeFault($0).rawValue } == [22, 23, 21])
        #expect(HandshakeFault.allCases.map(\.rawValue) == Array(11...26) + Array(30...34))
        #expect(Set(HandshakeFault.allCases.map { "\($0.text)" }).count == HandshakeFault.allCases.count)
        #expect(Set(HandshakeFault.allCases.map { "\($0.name)" }).count == HandshakeFault.allCases.count)
    }
}
