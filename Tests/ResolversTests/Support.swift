// A resolver on a real loop, with a scripted nameserver.

import Basics
import Configuration
import Foundation
import Reactor
import ScriptedNameserver
import Testing

@testable import Resolvers

final class Site {
    let kernel: LinuxKernel
    let loop: TaskLoop
    let plan: ResolversPlan
    let resolver: Resolver
    private(set) var told: [(waiter: NameWaiter, address: IPAddress?)] = []
    private let box = Box()

    private final class Box {
        var tell: (NameWaiter, IPAddress?) -> Void = { _, _ in }
    }

    /// `retryTime`, in milliseconds, is longer than any test waits, except those about retries.
    init(
        _ ports: Int..., isStream: Bool = false, tries: Int = 2, retryTime: UInt64 = 60_000, payloadBytes: Int = 512,
        holds: HoldTimes = HoldTimes()
    ) throws {
        kernel = try LinuxKernel()
        loop = TaskLoop(kernel: kernel)
        plan = ResolversPlan(
            name: "dns",
            nameservers: ports.enumerated().map {
                NameserverPlan(
                    name: "n\($0)", address: .ip(.loopbackV4, port: UInt16($1)), isStream: isStream)
            },
            tries: tries, retryTime: .milliseconds(retryTime), holds: holds, payloadBytes: payloadBytes)
        let box = box
        resolver = Resolver(plan, in: loop) { box.tell($0, $1) }
        resolver.listen(waking: kernel.wakeup)
        box.tell = { [unowned self] in told.append(($0, $1)) }
    }

    /// Runs the loop until `condition` holds; returns false if it does not within half a minute.
    func run(until condition: () -> Bool) -> Bool {
        let end = Instant.now() + .seconds(30)
        while !condition() {
            if Instant.now() > end { return false }
            loop.runOnce(until: Instant.now() + .milliseconds(20))
            resolver.collect()
        }
        return true
    }

    /// Resolves a name; also returns how long that took.
    func look(
        for name: String, _ family: AddressFamily = .v4
    ) throws -> (result: Result<[IPAddress], ResolutionFault>, milliseconds: UInt64) {
        let start = Instant.now()
        kernel.refreshClock()
        var result: Result<[IPAddress], ResolutionFault>?
        resolver.look(for: name, family) {
            #expect(result == nil, "an answer comes once")
            result = $0
        }
        #expect(run { result != nil })
        return (try #require(result), Instant.now().since(start).wholeMilliseconds)
    }

    /// Asks for the SRV records of a name.
    func lookForServices(of name: String) throws -> Result<[ServiceRecord], ResolutionFault> {
        kernel.refreshClock()
        var result: Result<[ServiceRecord], ResolutionFault>?
        resolver.lookForServices(of: name) { result = $0 }
        #expect(run { result != nil })
        return try #require(result)
    }

    /// Closes the resolver and expects that nothing is left.
    func end(sourceLocation: SourceLocation = #_sourceLocation) {
        resolver.close()
        #expect(loop.taskCount == 0, sourceLocation: sourceLocation)
    }
}

func v4(_ text: String) -> IPAddress { IPAddress(text) ?? .anyV4 }

func key(_ name: String, _ family: AddressFamily = .v4) -> NameTable.Key {
    var key = NameTable.Key()
    let isName = key.set(Array(name.utf8), family)
    precondition(isName)
    return key
}
