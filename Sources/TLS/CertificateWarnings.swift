// What a configuration with certificates can be warned about before the first client complains.

public import Basics
public import Configuration

extension ListenerDraft {
    /// Notices about the line: certificates that no client accepts at this time, and options that do nothing. No warnings, so that a
    /// process which treats these as errors can start again after a certificate has expired.
    /// - Parameter now: the time of day; at 0 certificates are not judged.
    public func warnings(at now: WallTime) -> [ConfigProblem] {
        var warnings: [ConfigProblem] = []
        func warn(_ message: String, at word: Word?, expected: String? = nil) {
            warnings.append(ConfigProblem(message, at: word?.range, expected: expected, severity: .notice))
        }
        let named = plans.map { ($0.certificate, $0.word) }
        for (certificate, word) in named where now.seconds > 0 {
            let now = Int64(now.seconds)
            if certificate.validUntil < now {
                warn("'\(certificate.name)' expired on \(Self.day(certificate.validUntil))", at: word)
            } else if certificate.validFrom > now {
                warn("'\(certificate.name)' is not valid before \(Self.day(certificate.validFrom))", at: word)
            } else if certificate.validUntil - now < Self.warnedSeconds {
                warn("'\(certificate.name)' expires on \(Self.day(certificate.validUntil))", at: word)
            }
        }
        for (certificate, word) in named {
            if let reason = certificates.hindrance(toUpdating: certificate) {
                warn("the OCSP responses of '\(certificate.name)' are not fetched: \(reason)", at: word)
            }
        }
        let written = options.protocol
        if written.versions.allowed.isEmpty {
            warn("no version of TLS is left that could be spoken", at: options.firstSource)
        }
        let unspoken = (written.applicationProtocols ?? []).filter { root.spoken?.contains($0) == false }
        if !unspoken.isEmpty {
            let names = unspoken.map { "'\(String(verbatim: $0))'" }.joined(separator: ", ")
            warn("\(names) is not spoken here and not offered", at: written.applicationProtocolsWord)
        }
        return warnings
    }

    /// A fortnight.
    private static let warnedSeconds: Int64 = 14 * 86_400

    private static func day(_ seconds: Int64) -> String {
        let time = CivilTime(secondsSince1970: Int(seconds))
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(time.year)-\(two(time.month))-\(two(time.day))"
    }
}
