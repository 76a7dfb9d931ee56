// The names of words inside HAProxy's lines: parameters of `bind` and `server`, algorithms, samples, converters. Names
// only, as in HAProxyKeywords: those of the manual of 2.6, sections 4.2 (balance), 5.1, 5.2 and 7.3, and later ones
// that are in use. Words that Portico supports are in the tables of the modules, which are searched first.

/// Distinguishes words of HAProxy that Portico does not support yet from typing errors.
public enum HAProxyWords {
    /// The kind of a word; the raw value is its name in messages.
    public enum Kind: String, Sendable {
        case bindParameter = "parameter of 'bind'"
        case serverParameter = "parameter of 'server'"
        case algorithm, sample, criterion, converter

        /// The kind of the words that may follow a keyword, or nil.
        init?(after keyword: String) {
            switch keyword {
            case "bind", "stats socket": self = .bindParameter
            case "server", "default-server": self = .serverParameter
            case "balance": self = .algorithm
            default: return nil
            }
        }
    }

    /// The problem for a word that HAProxy knows and Portico does not support; nil for a word that HAProxy does not
    /// know.
    /// - Parameter name: the word, with or without arguments in parentheses.
    public static func refusal(
        of name: String, as kind: Kind, at range: SourceRange, expected: String? = nil
    ) -> ConfigProblem? {
        let bare = String(name.prefix { $0 != "(" })
        if let other = replacement(of: bare, kind) {
            return ConfigProblem("'\(name)' \(other.reason)", at: range, expected: other.word)
        }
        let names = [bare] + (kind == .criterion ? [withoutMatch(bare)] : [])
        if names.contains(where: { needsTLS($0, kind) }) {
            return ConfigProblem(
                "'\(name)' is known to HAProxy, but Portico's TLS does not do it yet", at: range, expected: expected)
        }
        guard names.contains(where: { isKnown($0, kind) }) else { return nil }
        var problem = HAProxyKeywords.notSupported("'\(name)'", at: range)
        problem.expected = expected
        return problem
    }

    private static func isKnown(_ name: String, _ kind: Kind) -> Bool {
        switch kind {
        case .bindParameter: bindParameters.contains(name)
        case .serverParameter: serverParameters.contains(name)
        case .algorithm: algorithms.contains(name)
        case .sample, .criterion:
            samples.contains(name) || name.hasPrefix("internal.") || counters.contains(withoutTracker(name))
        case .converter:
            converters.contains(name) || name.hasPrefix("map_")
                || name.hasPrefix("table_") && tableWords.contains(String(name.dropFirst(6)))
        }
    }

    private static func needsTLS(_ name: String, _ kind: Kind) -> Bool {
        switch kind {
        case .bindParameter: bindTLS.contains(name) || tls.contains(name)
        case .serverParameter: serverTLS.contains(name) || tls.contains(name)
        case .sample, .criterion: name.hasPrefix("ssl_")
        case .algorithm, .converter: false
        }
    }

    /// What is written today for a parameter that Portico will not have.
    private static func replacement(of name: String, _ kind: Kind) -> (reason: String, word: String)? {
        switch (name, kind) {
        case ("npn", .bindParameter), ("npn", .serverParameter):
            ("is gone from TLS: clients and libraries speak ALPN instead", "alpn with the same protocols")
        case ("generate-certificates", .bindParameter), ("ca-sign-file", .bindParameter),
            ("ca-sign-pass", .bindParameter):
            (
                "signs certificates for whatever name a client asks for, which Portico does not do",
                "crt with certificates for those names"
            )
        case ("force-sslv3", .bindParameter), ("force-sslv3", .serverParameter):
            ("asks for SSLv3, which no library speaks any more", "ssl-min-ver TLSv1.0 for very old peers")
        default: nil
        }
    }

    /// The name without its match suffix: `url_param` for `url_param_beg`.
    private static func withoutMatch(_ name: String) -> String {
        for form in ["_beg", "_bin", "_dir", "_dom", "_end", "_len", "_reg", "_str", "_sub"] where name.hasSuffix(form)
        {
            return String(name.dropLast(form.count))
        }
        return name
    }

    /// The counter's name without its prefix: `conn_rate` for `src_conn_rate` and `sc0_conn_rate`; empty if the prefix
    /// is not that of a stick table counter.
    private static func withoutTracker(_ name: String) -> String {
        guard let underscore = name.firstIndex(of: "_") else { return "" }
        let tracker = name[..<underscore]
        let isTracker = tracker == "src" || tracker.hasPrefix("sc") && tracker.dropFirst(2).allSatisfy(\.isNumber)
        return isTracker ? String(name[name.index(after: underscore)...]) : ""
    }
}

// MARK: - Names

extension HAProxyWords {
    private static let algorithms = HAProxyKeywords.set(
        "leastconn log-hash roundrobin static-rr sticky")

    private static let bindParameters = HAProxyKeywords.set(
        """
        accept-netscaler-cip accept-proxy backlog cc defer-accept expose-fd gid group guid-prefix id idle-ping
        interface level maxconn mode mss name namespace nbconn nice process proto quic-cc-algo quic-force-retry
        quic-socket severity-output shards tcp-md5sig tcp-ss tcp-ut tfo thread transparent uid user v4v6 v6only
        """)

    private static let serverParameters = HAProxyKeywords.set(
        """
        addr agent-addr agent-check agent-inter agent-port agent-send backup cc check check-pool-conn-name
        check-proto check-reuse-pool check-send-proxy check-via-socks4 cookie disabled downinter enabled
        error-limit fall fastinter guid hash-key id idle-ping init-addr init-state inter log-bufsize log-proto
        max-reuse maxconn maxqueue minconn namespace no-agent-check no-backup no-check no-send-proxy
        no-send-proxy-v2 no-tfo non-stick observe on-error on-marked-down on-marked-up pool-conn-name
        pool-low-conn pool-max-conn pool-purge-delay port proto proxy-v2-options redir resolve-net resolve-opts
        resolve-prefer resolvers rise send-proxy send-proxy-v2 set-proxy-v2-tlv-fmt shard slowstart socks4 source
        stick strict-maxconn tcp-md5sig tcp-ut tfo track usesrc weight ws
        """)

    /// TLS parameters of both `bind` and `server`.
    private static let tls = HAProxyKeywords.set(
        """
        allow-0rtt alpn ca-file ciphers ciphersuites client-sigalgs crl-file crt curves ecdhe force-sslv3
        force-tlsv10 force-tlsv11 force-tlsv12 force-tlsv13 ktls no-sslv3 no-tls-tickets no-tlsv10 no-tlsv11
        no-tlsv12 no-tlsv13 npn renegotiate sigalgs ssl ssl-max-ver ssl-min-ver verify
        """)

    private static let bindTLS = HAProxyKeywords.set(
        """
        ca-ignore-err ca-sign-file ca-sign-pass ca-verify-file crt-ignore-err crt-list default-crt ech
        generate-certificates no-alpn no-ca-names no-strict-sni ocsp-update prefer-client-ciphers strict-sni
        tls-ticket-keys tls-tickets
        """)

    private static let serverTLS = HAProxyKeywords.set(
        """
        check-alpn check-sni check-sni-auto check-ssl no-check-ssl no-renegotiate no-send-proxy-v2-ssl
        no-send-proxy-v2-ssl-cn no-sni-auto no-ssl no-ssl-reuse no-verifyhost send-proxy-v2-ssl
        send-proxy-v2-ssl-cn sni sni-auto ssl-reuse tls-tickets verifyhost
        """)

    private static let samples = HAProxyKeywords.set(
        """
        51d.all accept_date act_conn always_false always_true avg_queue base base32 base32+src baseq
        bc.timer.connect bc_be_queue bc_dst bc_dst_port bc_err bc_err_name bc_err_str bc_glitches bc_http_major
        bc_nb_streams bc_rtt bc_rttvar bc_settings_streams_limit bc_src bc_src_port bc_srv_queue be_conn be_conn_free
        be_connect_timeout be_id be_name be_queue_timeout be_server_timeout be_sess_rate be_tarpit_timeout
        be_tunnel_timeout bin bool bs.aborted bs.debug_str bs.id bs.rst_code bytes_in bytes_out capture.req.hdr
        capture.req.method capture.req.uri capture.req.ver capture.res.hdr capture.res.ver connslots cook cook_cnt
        cook_val cookie cpu_calls cpu_ns_avg cpu_ns_tot cpu_usage_grp cpu_usage_proc cpu_usage_thr cur_client_timeout
        cur_connect_timeout cur_queue_timeout cur_server_timeout cur_tarpit_timeout cur_tunnel_timeout date date_us
        distcc_body distcc_param dst dst_conn dst_is_local dst_port dump_all_vars env fc.timer.handshake fc.timer.total
        fc_dst fc_dst_is_local fc_dst_port fc_err fc_err_name fc_err_str fc_fackets fc_glitches fc_http_major fc_lost
        fc_nb_streams fc_pp_authority fc_pp_tlv fc_pp_unique_id fc_rcvd_proxy fc_reordering fc_retrans fc_rtt fc_rttvar
        fc_sacked fc_saved_syn fc_settings_streams_limit fc_src fc_src_is_local fc_src_port fc_unacked fcgi.docroot
        fcgi.index fe_client_timeout fe_conn fe_defbe fe_id fe_name fe_req_rate fe_sess_rate fe_tarpit_timeout
        fs.aborted fs.debug_str fs.id fs.rst_code hdr hdr_cnt hdr_ip hdr_val hostname http_auth http_auth_bearer
        http_auth_group http_auth_pass http_auth_type http_auth_user http_first_req http_status int ipv4 ipv6
        last_entity last_rule_file last_rule_line lat_ns_avg lat_ns_tot meth method nbsrv path pathq payload payload_lv
        pid prio_class prio_offset proc query queue quic_enabled rand rdp_cookie rdp_cookie_cnt rep_ssl_hello_type
        req.body req.body_len req.body_param req.body_size req.bytes_in req.bytes_out req.cook req.cook_cnt
        req.cook_names req.cook_val req.fhdr req.fhdr_cnt req.fhdr_ip req.fhdr_val req.hdr req.hdr_cnt req.hdr_ip
        req.hdr_names req.hdr_val req.hdrs req.hdrs_bin req.len req.payload req.payload_lv req.proto_http req.rdp_cookie
        req.rdp_cookie_cnt req.ssl_alpn req.ssl_cipherlist req.ssl_ec_ext req.ssl_hello_type req.ssl_keyshare_groups
        req.ssl_sigalgs req.ssl_sni req.ssl_st_ext req.ssl_supported_groups req.ssl_ver req.timer.hdr req.timer.idle
        req.timer.queue req.timer.tq req.ver req_len req_proto_http req_ssl_hello_type req_ssl_sni req_ssl_ver req_ver
        res.body res.body_len res.body_size res.bytes_in res.bytes_out res.cache_hit res.cache_name res.comp
        res.comp_algo res.cook res.cook_cnt res.cook_names res.cook_val res.fhdr res.fhdr_cnt res.fhdr_ip res.fhdr_val
        res.hdr res.hdr_cnt res.hdr_ip res.hdr_names res.hdr_val res.hdrs res.hdrs_bin res.len res.payload
        res.payload_lv res.ssl_hello_type res.timer.data res.timer.hdr res.timer.user res.ver resp_ver scook scook_cnt
        scook_val server_status set-cookie shdr shdr_cnt shdr_ip shdr_val so_id so_name spoe.engine-id src src_is_local
        src_port srv_conn srv_conn_free srv_id srv_is_up srv_iweight srv_name srv_queue srv_sess_rate srv_uweight
        srv_weight status stopping str table_avl table_cnt term_events thread txn.conn_retries txn.id32 txn.redispatched
        txn.sess_term_state txn.status txn.timer.total txn.timer.user unique-id url url32 url32+src url_ip url_param
        url_port urlp urlp_ip urlp_val uuid var wait_end waiting_entity
        """)

    /// Names of stick table counters, without the prefixes `src_`, `sc_` and `sc0_`.
    private static let counters: Set<String> = tableWords.union(
        HAProxyKeywords.set(
            """
            clr_gpc clr_gpc0 clr_gpc1 get_gpc get_gpc0 get_gpc1 get_gpt get_gpt0 inc_gpc inc_gpc0 inc_gpc1 key tracked
            updt_conn_cnt
            """))

    private static let tableWords = HAProxyKeywords.set(
        """
        bytes_in_rate bytes_out_rate clr_gpc clr_gpc0 clr_gpc1 conn_cnt conn_cur conn_rate expire glitch_cnt glitch_rate
        gpc gpc0 gpc0_rate gpc1 gpc1_rate gpc_rate gpt gpt0 http_err_cnt http_err_rate http_fail_cnt http_fail_rate
        http_req_cnt http_req_rate idle inc_gpc inc_gpc0 inc_gpc1 kbytes_in kbytes_out server_id sess_cnt sess_rate
        trackers
        """)

    private static let converters = HAProxyKeywords.set(
        """
        51d.single add add_item aes_cbc_dec aes_cbc_enc aes_gcm_dec aes_gcm_enc and b64dec base2 base64 be2dec be2hex
        bool bytes capture-req capture-res concat cpl crc32 crc32c cut_crlf da-csv-conv date debug digest div djb2
        eth.data eth.dst eth.hdr eth.proto eth.src eth.vlan even field fix_is_valid fix_tag_value hex hex2i hmac
        host_only htonl http_date iif in_table ip.data ip.df ip.dst ip.fp ip.hdr ip.proto ip.src ip.tos ip.ttl ip.ver
        ipmask json json_query jwt_decrypt_cert jwt_decrypt_jwk jwt_decrypt_secret jwt_header_query jwt_payload_query
        jwt_verify jwt_verify_cert language le2dec length lower ltime ltrim map mod mqtt_field_value mqtt_is_valid
        ms_ltime ms_utime mul nbsrv neg not odd or param port_only protobuf regsub reverse reverse_dom rfc7239_field
        rfc7239_is_valid rfc7239_n2nn rfc7239_n2np rfc7239_nn rfc7239_np rtrim sdbm secure_memcmp set-var sha1 sha2
        srv_queue strcmp sub tcp.dst tcp.flags tcp.options.mss tcp.options.sack tcp.options.tsopt tcp.options.tsval
        tcp.options.wscale tcp.options.wsopt tcp.options_list tcp.seq tcp.src tcp.win ub64dec ub64enc ungrpc unset-var
        upper url_dec url_enc us_ltime us_utime utime uuid.version when word wt6 x509_v_err_str xor xxh3 xxh32 xxh64
        """)
}
