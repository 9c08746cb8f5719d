#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <system_error>
#include <utility>

#include "driver/redis/certificate.hpp"
#include "driver/redis/tls_native.hpp"

namespace nodepool::redis {
namespace {

bool is_address(const std::string& host) {
  in6_addr address{};
  return ::inet_pton(AF_INET, host.c_str(), &address) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), &address) == 1;
}

/// As a certificate would name it: without the zone of an address and the last dot of a name.
std::string plain_host(const std::string& host) {
  std::string plain = host;
  if (plain.find(':') != std::string::npos) plain.erase(std::min(plain.find('%'), plain.size()));
  if (plain.ends_with('.')) plain.pop_back();
  return plain;
}

bool expect_host(SSL* ssl, const std::string& host) {
  X509_VERIFY_PARAM* parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (host.empty()) return false;  // OpenSSL would check no name at all
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1;
  return X509_VERIFY_PARAM_set1_host(parameters, host.c_str(), host.size()) == 1;
}

/// Whether this alert is about the certificate that a client shows or does not show. A server of TLS 1.2 may
/// say no more than that the handshake failed.
bool is_about_client(int reason) {
  constexpr std::array kReasons{SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED,
                                SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE,
                                SSL_R_SSLV3_ALERT_NO_CERTIFICATE,
                                SSL_R_SSLV3_ALERT_BAD_CERTIFICATE,
                                SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE,
                                SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED,
                                SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
                                SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
                                SSL_R_TLSV1_ALERT_UNKNOWN_CA,
                                SSL_R_TLSV1_ALERT_ACCESS_DENIED,
                                SSL_R_TLSV1_ALERT_DECRYPT_ERROR};
  return std::ranges::find(kReasons, reason) != kReasons.end();
}

bool is_about_version(int reason) {
  return reason == SSL_R_TLSV1_ALERT_PROTOCOL_VERSION || reason == SSL_R_UNSUPPORTED_PROTOCOL ||
         reason == SSL_R_WRONG_SSL_VERSION || reason == SSL_R_VERSION_TOO_LOW;
}

}  // namespace

struct TlsStream::State {
  std::shared_ptr<const TlsContext> context;
  std::string host;
  Wire wire;
  NativeStream ssl;
  short awaits = POLLIN;
  bool is_open = false;    ///< The handshake is done.
  bool is_broken = false;  ///< Nothing more can come.
  bool was_asked_for_certificate = false;
  int refusal = X509_V_OK;       ///< Why the server's certificate was refused.
  NativeCertificate at_fault{};  ///< And which one of its chain.

  bool set_up();
  /// After a step that has not succeeded: nothing if it can go on later, else why not. `passing` is the code
  /// of what may pass.
  std::optional<Error> stopped(int result, ErrorCode passing);
  [[nodiscard]] Error reason(ErrorCode passing) const;
  [[nodiscard]] Error refused_client(const char* words) const;
  [[nodiscard]] std::string_view stage() const { return is_open ? "" : " during the TLS handshake"; }
};

bool TlsStream::State::set_up() {
  const TlsContext::Native& native = context->native();
  ssl.reset(SSL_new(native.context.get()));
  BIO* bio = ssl == nullptr ? nullptr : BIO_new(native.socket.get());
  if (bio == nullptr) return false;
  BIO_set_data(bio, &wire);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl.get(), bio, bio);
  SSL_set_connect_state(ssl.get());
  SSL_set_app_data(ssl.get(), this);
  // Called back in the midst of OpenSSL: only notes what there was, and allocates nothing.
  const auto note_refusal = [](int is_good, X509_STORE_CTX* chain) {
    const int index = SSL_get_ex_data_X509_STORE_CTX_idx();
    auto* of_chain = static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, index));
    auto& state = *static_cast<State*>(SSL_get_app_data(of_chain));
    X509* certificate = X509_STORE_CTX_get_current_cert(chain);
    if (is_good == 0 && state.refusal == X509_V_OK) {
      state.refusal = X509_STORE_CTX_get_error(chain);
      if (certificate != nullptr && X509_up_ref(certificate) == 1) state.at_fault.reset(certificate);
    }
    return is_good;
  };
  SSL_set_verify(ssl.get(), native.verify == TlsVerify::none ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                 native.verify == TlsVerify::none ? nullptr : +note_refusal);
  const auto note_request = [](SSL* /*ssl*/, void* state) {
    static_cast<State*>(state)->was_asked_for_certificate = true;
    return 1;
  };
  SSL_set_cert_cb(ssl.get(), +note_request, this);
  if (native.verify == TlsVerify::full && !expect_host(ssl.get(), host)) return false;
  // What the macro SSL_set_tlsext_host_name stands for.
  return is_address(host) ||
         SSL_ctrl(ssl.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host.data()) == 1;
}

std::optional<Error> TlsStream::State::stopped(int result, ErrorCode passing) {
  const int why = SSL_get_error(ssl.get(), result);
  if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) {
    awaits = why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    return std::nullopt;
  }
  is_broken = true;
  Error error = reason(passing);
  ERR_clear_error();  // the thread's queue may be used by others too
  return error;
}

Error TlsStream::State::reason(ErrorCode passing) const {
  if (refusal != X509_V_OK)
    return {ErrorCode::permission_denied, describe_refusal(refusal, at_fault.get(), host)};
  if (wire.is_foreign) {
    return {ErrorCode::unsupported,
            "it does not speak TLS at this port: write redis:// instead of rediss:// if it is meant to be "
            "without, else ask for its TLS port"};
  }
  const unsigned long code = ERR_peek_error();
  const int about = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
  const char* words = code == 0 ? nullptr : ERR_reason_error_string(code);
  if (!is_open && is_about_version(about)) return {ErrorCode::unsupported, "it offers no TLS 1.2 or newer"};
  if (was_asked_for_certificate && is_about_client(about)) return refused_client(words);
  if (!is_open && about == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE) {
    return {ErrorCode::unsupported, "it has no cipher in common with this client, or no certificate for it"};
  }
  if (wire.error != 0) {
    return {passing, fmt::format("{}{}", std::generic_category().message(wire.error), stage())};
  }
  if (wire.is_ended || words == nullptr) {
    return {passing, fmt::format("it closed the connection{}", stage())};
  }
  return {passing, fmt::format("TLS failed{}: {}", stage(), words)};
}

Error TlsStream::State::refused_client(const char* words) const {
  if (!context->native().has_certificate) {
    return {ErrorCode::permission_denied,
            "it wants a client's certificate: give one with cert=FILE and key=FILE"};
  }
  return {ErrorCode::permission_denied,
          fmt::format("it refuses this client's certificate ({}): give one of an authority that the server "
                      "trusts with cert=FILE and key=FILE",
                      words == nullptr ? "without a reason" : words)};
}

TlsStream::TlsStream(std::unique_ptr<State> state) noexcept : state_(std::move(state)) {}
TlsStream::TlsStream(TlsStream&&) noexcept = default;
TlsStream& TlsStream::operator=(TlsStream&&) noexcept = default;
TlsStream::~TlsStream() = default;

Result<TlsStream> TlsStream::create(const TlsPeer& peer, int fd) {
  ERR_clear_error();
  auto state = std::make_unique<State>();
  state->context = peer.context;
  state->host = plain_host(peer.host);
  state->wire.fd = fd;
  if (!state->set_up()) {
    ERR_clear_error();
    return failure(ErrorCode::unavailable, fmt::format("TLS to '{}' cannot be set up", peer.host));
  }
  return TlsStream(std::move(state));
}

Result<bool> TlsStream::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(state_->ssl.get());
  if (result == 1) {
    state_->is_open = true;
    state_->awaits = POLLIN;
    return true;
  }
  if (auto error = state_->stopped(result, ErrorCode::unavailable)) return tl::unexpected(std::move(*error));
  return false;
}

Result<std::size_t> TlsStream::write(std::string_view bytes) {
  constexpr std::size_t kMost = std::numeric_limits<int>::max();
  if (bytes.empty()) return 0;
  ERR_clear_error();
  const int result =
      SSL_write(state_->ssl.get(), bytes.data(), static_cast<int>(std::min(bytes.size(), kMost)));
  if (result > 0) {
    state_->awaits = POLLIN;
    return static_cast<std::size_t>(result);
  }
  auto error = state_->stopped(result, ErrorCode::unavailable);
  if (!error) return 0;
  // A server that has closed may have said why before.
  char byte = 0;
  if (state_->wire.error != 0 && SSL_peek(state_->ssl.get(), &byte, 1) <= 0)
    error = state_->reason(ErrorCode::unavailable);
  ERR_clear_error();
  return tl::unexpected(std::move(*error));
}

Result<std::size_t> TlsStream::read(std::span<char> buffer) {
  constexpr std::size_t kMost = std::numeric_limits<int>::max();
  ERR_clear_error();
  const int result =
      SSL_read(state_->ssl.get(), buffer.data(), static_cast<int>(std::min(buffer.size(), kMost)));
  if (result > 0) {
    state_->awaits = POLLIN;
    return static_cast<std::size_t>(result);
  }
  if (auto error = state_->stopped(result, ErrorCode::outcome_unknown)) {
    return tl::unexpected(std::move(*error));
  }
  return 0;
}

short TlsStream::awaits() const noexcept {
  return state_->awaits;
}

bool TlsStream::is_pending() const noexcept {
  return SSL_pending(state_->ssl.get()) > 0;
}

bool TlsStream::is_stale() noexcept {
  if (state_->is_broken) return true;
  ERR_clear_error();
  char byte = 0;
  const int result = SSL_peek(state_->ssl.get(), &byte, 1);
  if (result > 0) return true;
  const int why = SSL_get_error(state_->ssl.get(), result);
  ERR_clear_error();
  return why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE;
}

}  // namespace nodepool::redis
