// `plantedrace lock`: threads add to one number under a lock. `plantedrace none`: the same without the lock.
//
// `make tsan` runs both. ThreadSanitizer must report the second, or its silence about all else means nothing; and it must not report
// the first, or it does not see the locks.

import Basics
import Glibc
import Reactor

/// A number that the compiler lets any thread touch.
private final class Shared: @unchecked Sendable {
    var sum = 0
}

@main
struct PlantedRace {
    private static let threads = 4
    private static let additions = 100_000

    static func main() {
        guard CommandLine.arguments.count == 2, ["lock", "none"].contains(CommandLine.arguments[1]) else {
            print("usage: plantedrace lock|none")
            exit(64)
        }
        let takesLock = CommandLine.arguments[1] == "lock"
        let shared = Shared()
        let lock = SharedLock()
        let threads = (0..<threads).map { number in
            Thread(name: "adds-\(number)") {
                for _ in 0..<additions {
                    if takesLock { lock.value.withLock { _ in shared.sum += 1 } } else { shared.sum += 1 }
                }
            }
        }
        for thread in threads { thread.join() }
        print("\(shared.sum) of \(Self.threads * additions) additions are left")
    }
}

private final class SharedLock: Sendable {
    let value = Lock(())
}
