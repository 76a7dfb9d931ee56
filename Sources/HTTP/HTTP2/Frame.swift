// Frames of HTTP/2: the nine bytes that begin each, their types, flags and error codes (RFC 9113 sections 4, 6 and 7).

internal import Basics

/// The types of frames that Portico knows (RFC 9113 section 6, RFC 9218 section 7.1). Frames of other types are skipped.
enum FrameType: UInt8, Sendable {
    case data, headers, priority, resetStream, settings, pushPromise, ping, goAway, windowUpdate, continuation
    case priorityUpdate = 0x10
}

struct FrameFlags: OptionSet, Sendable {
    let rawValue: UInt8

    static let endStream = FrameFlags(rawValue: 0x1)
    /// Of SETTINGS and PING.
    static let ack = FrameFlags(rawValue: 0x1)
    static let endHeaders = FrameFlags(rawValue: 0x4)
    static let padded = FrameFlags(rawValue: 0x8)
    static let priority = FrameFlags(rawValue: 0x20)
}

/// What a frame begins with (RFC 9113 section 4.1).
public struct FrameHeader: Sendable {
    /// Bytes of the payload.
    var length: Int
    var type: UInt8
    var flags: FrameFlags
    var stream: UInt32

    /// Bytes of the header itself.
    public static let byteCount = 9
    /// The longest payload that every endpoint takes (RFC 9113 section 4.2).
    public static let payloadBytesMin = 16_384

    init(_ type: FrameType, _ flags: FrameFlags = [], stream: UInt32, length: Int) {
        self.length = length
        self.type = type.rawValue
        self.flags = flags
        self.stream = stream
    }

    /// Reads the first nine bytes of `bytes`, which has at least as many. The reserved bit is ignored.
    init(_ bytes: RawSpan) {
        length = Int(bytes[0]) &<< 16 | Int(bytes[1]) &<< 8 | Int(bytes[2])
        type = bytes[3]
        flags = FrameFlags(rawValue: bytes[4])
        stream = bytes.bigEndian(at: 5) & 0x7FFF_FFFF
    }

    /// The type's name, for the words of a fault.
    var name: String {
        switch FrameType(rawValue: type) {
        case .resetStream: "RST_STREAM"
        case .windowUpdate: "WINDOW_UPDATE"
        case .ping: "PING"
        case .priority: "PRIORITY"
        default: "a frame of type \(type)"
        }
    }

    func append(to out: inout [UInt8]) {
        out.append(UInt8(truncatingIfNeeded: length &>> 16))
        out.append(UInt8(truncatingIfNeeded: length &>> 8))
        out.append(UInt8(truncatingIfNeeded: length))
        out.append(type)
        out.append(flags.rawValue)
        out.append(bigEndian: stream)
    }

    /// Appends the header; `out` has room for it.
    func append(to out: inout ByteBuffer) {
        let fits = unsafe out.fill { buffer in
            guard buffer.count >= Self.byteCount else { return (0, false) }
            let word = UInt64(length) &<< 40 | UInt64(type) &<< 32 | UInt64(flags.rawValue) &<< 24
            // The first five bytes of `word`'s upper end, then the stream's number.
            unsafe buffer.storeBytes(of: (word).bigEndian, as: UInt64.self)
            unsafe buffer.storeBytes(of: stream.bigEndian, toByteOffset: 5, as: UInt32.self)
            return (Self.byteCount, true)
        }
        precondition(fits, "no room for a frame's header")
    }
}

/// Why a stream or a connection ends (RFC 9113 section 7).
public enum HTTP2ErrorCode: UInt32, Sendable {
    case noError, protocolError, internalError, flowControlError, settingsTimeout, streamClosed, frameSizeError
    case refusedStream, cancel, compressionError, connectError, enhanceYourCalm, inadequateSecurity, http11Required

    /// Its name in the RFC.
    public var name: String {
        switch self {
        case .noError: "NO_ERROR"
        case .protocolError: "PROTOCOL_ERROR"
        case .internalError: "INTERNAL_ERROR"
        case .flowControlError: "FLOW_CONTROL_ERROR"
        case .settingsTimeout: "SETTINGS_TIMEOUT"
        case .streamClosed: "STREAM_CLOSED"
        case .frameSizeError: "FRAME_SIZE_ERROR"
        case .refusedStream: "REFUSED_STREAM"
        case .cancel: "CANCEL"
        case .compressionError: "COMPRESSION_ERROR"
        case .connectError: "CONNECT_ERROR"
        case .enhanceYourCalm: "ENHANCE_YOUR_CALM"
        case .inadequateSecurity: "INADEQUATE_SECURITY"
        case .http11Required: "HTTP_1_1_REQUIRED"
        }
    }
}

/// What ends a connection: the code that the peer is told, and words for an operator.
public struct HTTP2Fault: Error, Equatable, Sendable {
    public let code: HTTP2ErrorCode
    /// What the peer has done, in the debug text of GOAWAY and in the log.
    public let words: String

    public init(_ code: HTTP2ErrorCode, _ words: String) {
        self.code = code
        self.words = words
    }
}

/// What SETTINGS can say (RFC 9113 section 6.5.2, RFC 8441 section 3, RFC 9218 section 2.1).
enum SettingName: UInt16, Sendable {
    case headerTableSize = 1
    case enablePush, maxConcurrentStreams, initialWindowSize, maxFrameSize, maxHeaderListSize
    case enableConnectProtocol = 8
    case noRFC7540Priorities = 9
}

extension RawSpan {
    /// The four bytes at `offset` as a number, the most significant first.
    func bigEndian(at offset: Int) -> UInt32 {
        UInt32(self[offset]) &<< 24 | UInt32(self[offset + 1]) &<< 16 | UInt32(self[offset + 2]) &<< 8
            | UInt32(self[offset + 3])
    }
}

extension [UInt8] {
    mutating func append(bigEndian value: UInt32) {
        append(UInt8(truncatingIfNeeded: value &>> 24))
        append(UInt8(truncatingIfNeeded: value &>> 16))
        append(UInt8(truncatingIfNeeded: value &>> 8))
        append(UInt8(truncatingIfNeeded: value))
    }
}
