// libFuzzer around a target: it makes inputs, and calls with one after the other. FUZZ_TARGET names the target; the
// arguments are libFuzzer's.

import FuzzTargets
import Glibc

@main
struct Fuzz {
    static func main() {
        let name = unsafe getenv("FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
        guard let target = FuzzTarget(rawValue: name) else {
            print("FUZZ_TARGET has to be one of \(FuzzTarget.allCases.map(\.rawValue)), not '\(name)'")
            exit(64)
        }
        unsafe Self.target = target
        var count = CommandLine.argc
        var arguments = unsafe CommandLine.unsafeArgv
        exit(
            unsafe runDriver(&count, &arguments) { start, count in
                unsafe Fuzz.target.run(Array(UnsafeBufferPointer(start: start, count: count)))
                return 0
            })
    }

    /// Set before the first input.
    nonisolated(unsafe) private static var target = FuzzTarget.requests
}

/// Part of libFuzzer's runtime, which no header declares for Swift: pointers and numbers only, in which the two calling
/// conventions agree.
@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<CInt>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ one: @convention(c) (_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt
) -> CInt
