// What a SOCKS proxy is asked, and its answer in all pieces.

import Basics
import ProxyProtocol
import Testing

@Suite struct SOCKSProxyTests {
    @Test func `the request has version, command, port, address and user`() {
        #expect(
            SOCKSProxy.request(for: .ip(.v4(0x0A00_0102), port: 8_081))
                == [4, 1, 0x1F, 0x91, 10, 0, 1, 2] + Array("HAProxy".utf8) + [0])
    }

    @Test func `only IPv4 addresses can be asked for`() {
        #expect(SOCKSProxy.request(for: .ip(.v6(0, 1), port: 80)) == nil)
        #expect(SOCKSProxy.request(for: .path("/run/app.sock")) == nil)
    }

    @Test(
        arguments: [
            ([0, 90], .granted), ([0, 91], .refused(code: 91)), ([4, 90], .refused(code: 90)),
            ([0, 0], .refused(code: 0)),
        ] as [([UInt8], SOCKSAnswer.Verdict)])
    func `an answer is read to its eighth byte, in all pieces`(begin: [UInt8], verdict: SOCKSAnswer.Verdict) {
        let whole = begin + [UInt8](repeating: 7, count: 6)
        for cut in 0...8 {
            var answer = SOCKSAnswer()
            answer.take(whole.prefix(cut))
            #expect(answer.missing == 8 - cut)
            if cut < 8 { #expect(answer.verdict == nil) }
            answer.take(whole.dropFirst(cut))
            #expect(answer.verdict == verdict)
        }
    }
}
