// Passwords as crypt(3) keeps them: `$6$salt$…` and every other form that the system's libcrypt knows.

internal import Basics
internal import CCrypt
internal import Configuration

/// One such password.
struct PasswordHash: Sendable {
    /// With a zero behind it, as C wants it.
    private let text: [CChar]

    /// Why a text is none.
    struct Fault: Error { let text: String }

    /// What crypt(3) makes of DES's kind of salt; it is the one form that any text seems to begin.
    private static let desLength = 13

    init(_ text: String) throws(Fault) {
        self.text = text.utf8CString.map { $0 }
        guard unsafe crypt_checksalt(text) != CRYPT_SALT_INVALID else {
            throw Fault(text: "is in no form that crypt(3) knows here")
        }
    }

    /// Whether it looks like a plain password in place of a hash.
    var looksLikePlainText: Bool {
        text.first.map { $0 != 0x24 && $0 != 0x5F } ?? true && text.count - 1 != Self.desLength
    }

    /// Calls crypt(3), which is slow on purpose: it limits how many passwords can be tried.
    func matches(_ password: RawSpan) -> Bool {
        var phrase: [CChar] = []
        phrase.reserveCapacity(password.byteCount + 1)
        for i in 0..<password.byteCount {
            // C would take what stands before it for the whole.
            if password[i] == 0 { return false }
            phrase.append(CChar(bitPattern: password[i]))
        }
        phrase.append(0)
        // 32 KiB for the time of one call, which takes longer than any allocation.
        let room = UnsafeMutableRawBufferPointer.allocate(
            byteCount: MemoryLayout<crypt_data>.size, alignment: MemoryLayout<crypt_data>.alignment)
        defer { unsafe room.deallocate() }
        unsafe room.initializeMemory(as: UInt8.self, repeating: 0)
        guard let made = unsafe crypt_rn(phrase, text, room.baseAddress, Int32(room.count)) else { return false }
        // Every byte is compared, so that the time it takes tells nothing.
        var difference: CChar = 0
        for i in text.indices {
            difference |= unsafe made[i] ^ text[i]
            if unsafe made[i] == 0 { return difference == 0 && i == text.count - 1 }
        }
        return false
    }
}
