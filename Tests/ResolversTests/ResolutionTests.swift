// Which queries follow the nameservers' replies.

import Basics
import Testing

@testable import Resolvers

@Suite struct ResolutionTests {
    private let addresses = [IPAddress.v4(0x0A00_0001)]

    /// The results of a sequence of replies.
    private func course(
        _ replies: [NameserverReply], preferring kind: RecordKind = .v4, of nameservers: Int = 1, tries: Int = 2
    ) -> [Resolution.Next] {
        var resolution = Resolution(for: kind, of: nameservers, tries: tries)
        return replies.map { resolution.receive($0) }
    }

    @Test func `the first address is believed`() {
        #expect(course([.addresses(addresses)]) == [.found(addresses)])
        #expect(course([.refused, .addresses(addresses)], of: 3) == [.wait, .found(addresses)])
    }

    @Test func `when all have failed the other family is asked for`() {
        #expect(course([.noAddress, .addresses(addresses)]) == [.ask(.v6), .found(addresses)])
        #expect(course([.noSuchName, .timedOut], preferring: .v6, of: 2) == [.wait, .ask(.v4)])
    }

    @Test func `that there is no such name is final when nobody says otherwise`() {
        #expect(course([.noSuchName, .noSuchName]) == [.ask(.v6), .failed(.noSuchName)])
        #expect(course([.noSuchName, .noAddress]) == [.ask(.v6), .failed(.noSuchName)])
        #expect(course([.noAddress, .noAddress]) == [.ask(.v6), .failed(.other)])
        #expect(
            course([.noSuchName, .timedOut, .timedOut, .noSuchName], of: 2)
                == [.wait, .ask(.v6), .wait, .failed(.noSuchName)])
    }

    @Test func `what may be another time's trouble is asked again, after a while`() {
        #expect(
            course([.refused, .failed, .refused, .refused])
                == [.ask(.v6), .askLater(.v4), .ask(.v6), .failed(.refused)])
        #expect(course([.noSuchName, .refused]) == [.ask(.v6), .askLater(.v4)])
        #expect(course([.noSuchName, .refused], of: 2) == [.wait, .ask(.v6)])
    }

    @Test func `SRV records have no other family that could take their place`() {
        let records = [ServiceRecord(host: "a.test", port: 80)]
        #expect(
            course([.refused, .services(records)], preferring: .services, of: 2) == [.wait, .foundServices(records)])
        #expect(course([.noSuchName], preferring: .services) == [.failed(.noSuchName)])
        #expect(course([.noAddress], preferring: .services) == [.failed(.other)])
        #expect(course([.refused, .refused], preferring: .services) == [.askLater(.services), .failed(.refused)])
        #expect(course([.timedOut, .timedOut], preferring: .services) == [.ask(.services), .failed(.timeout)])
    }

    @Test func `nameservers that are silent are asked the same again, as often as there are tries`() {
        #expect(course([.timedOut, .timedOut, .timedOut], tries: 3) == [.ask(.v4), .ask(.v4), .failed(.timeout)])
        #expect(course([.noAddress, .timedOut, .timedOut]) == [.ask(.v6), .ask(.v6), .failed(.timeout)])
        #expect(course([.timedOut], tries: 1) == [.failed(.timeout)])
    }
}
