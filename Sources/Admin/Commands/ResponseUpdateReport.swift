// What became of fetching an OCSP response, as `show ssl ocsp-updates` and the log tell it, in HAProxy's words and numbers.

internal import Basics
internal import TLS

/// The outcome of an attempt to fetch a response. The numbers are those that logs and commands show.
public enum ResponseUpdateOutcome: Int, Sendable {
    case unknown, successful, httpError, wrongType, invalid, notTaken

    public var phrase: String {
        switch self {
        case .unknown: "Unknown"
        case .successful: "Update successful"
        case .httpError: "HTTP error"
        case .wrongType: "Missing \"ocsp-response\" header"
        case .invalid: "OCSP response check failure"
        case .notTaken: "Error during insertion"
        }
    }
}

/// Why a response could not be fetched.
public struct ResponseUpdateFault: Error, Equatable, Sendable {
    public let outcome: ResponseUpdateOutcome
    /// In words; one clause without a full stop.
    public let reason: String

    public init(_ outcome: ResponseUpdateOutcome, _ reason: String) {
        self.outcome = outcome
        self.reason = reason
    }
}

/// The state of fetching one certificate's responses.
public struct ResponseUpdateReport: Sendable {
    /// What OCSP calls the certificate, in DER.
    public let identity: [UInt8]
    /// The certificate's name.
    public var name: String
    /// Seconds since 1970; 0: as soon as possible.
    public var nextUpdate: Int64 = 0
    /// When a response was last taken; nil: never.
    public var lastUpdate: Int64?
    public var successes = 0
    public var failures = 0
    public var outcome = ResponseUpdateOutcome.unknown
    /// Why the last attempt failed; nil if it did not.
    public var reason: String?

    public init(identity: [UInt8], name: String) {
        self.identity = identity
        self.name = name
    }

    /// The outcome of the last attempt, with the reason of a failure.
    public var outcomeText: String { outcome.phrase + (reason.map { " (\($0))" } ?? "") }

    static let header =
        "OCSP Certid | Path | Next Update | Last Update | Successes | Failures | Last Update Status | Last Update Status (str)"

    /// Appends its row under the header.
    func append(to out: inout [UInt8], now: Int64) {
        out.append("\(identity.inHexadecimal) | \(name) | ")
        out.append(localTime: nextUpdate > 0 ? nextUpdate : now)
        out.append(" | ")
        if let lastUpdate { out.append(localTime: lastUpdate) } else { out.append("-") }
        out.append(" | \(successes) | \(failures) | \(outcome.rawValue) | \(outcomeText)\n")
    }
}

extension [UInt8] {
    /// Appends `30/Nov/2026:07:15:25 +0100`.
    fileprivate mutating func append(localTime seconds: Int64) {
        let civil = WallTime(seconds: Int(seconds)).local
        TextWriter.append(to: &self) { out in
            out.append(logDate: civil)
            out.append(0x20)
            out.append(offsetOf: civil)
        }
    }
}
