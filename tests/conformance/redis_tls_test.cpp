// TLS to a real server: whom the driver trusts, what it says when it does not, and that a pool runs over it.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>

#include "conformance/redis_fixture.hpp"
#include "driver/redis/connection.hpp"
#include "support/certificates.hpp"
#include "support/tcp_gate.hpp"

namespace nodepool::conformance {
namespace {

using test::CertificateAuthority;
using test::CertificateFiles;
using Validity = CertificateAuthority::Validity;

/// What must stand in no message.
constexpr std::string_view kPassword = "hunter-two";
constexpr const char* kOurHosts = "DNS:localhost,IP:127.0.0.1";

/// One server for all tests, which changes its certificate as they ask.
class RedisTls : public testing::Test {
 protected:
  struct Surroundings {
    CertificateAuthority ours{"our authority"};
    CertificateAuthority foreign{"a foreign authority"};
    CertificateFiles good = ours.issue(kOurHosts);
    RedisServer server{{"--tls-cert-file", good.certificate, "--tls-key-file", good.key, "--tls-ca-cert-file",
                        ours.file(), "--tls-auth-clients", "no"}};
  };
  static void SetUpTestSuite() { surroundings_ = std::make_unique<Surroundings>(); }
  static void TearDownTestSuite() { surroundings_.reset(); }

  void SetUp() override {
    (void)server().command({"FLUSHALL"});
    (void)server().command(
        {"ACL", "SETUSER", "nodes", "on", ">" + std::string(kPassword), "~*", "&*", "+@all"});
    serve(surroundings_->good);
  }
  void TearDown() override { configure({"tls-auth-clients", "no", "tls-protocols", "", "tls-ciphers", ""}); }

  static RedisServer& server() { return surroundings_->server; }
  static CertificateAuthority& ours() { return surroundings_->ours; }
  static CertificateAuthority& foreign() { return surroundings_->foreign; }
  static std::string configured(std::vector<std::string> settings) {
    settings.insert(settings.begin(), {"CONFIG", "SET"});
    return server().command(settings);
  }
  static void configure(const std::vector<std::string>& settings) { ASSERT_EQ(configured(settings), "OK\n"); }
  static void serve(const CertificateFiles& files) {
    configure({"tls-cert-file", files.certificate, "tls-key-file", files.key});
  }
  static std::string url(const std::string& query, std::uint16_t port = server().tls_port(),
                         const std::string& host = "127.0.0.1", const std::string& scheme = "rediss") {
    return scheme + "://nodes:" + std::string(kPassword) + "@" + host + ":" + std::to_string(port) + query;
  }
  static std::string trusting_us() { return "?ca=" + ours().file(); }
  /// The first heartbeat of a new node.
  static Result<SyncReply> join(const std::string& url) {
    const auto driver = open_redis(url);
    if (!driver) return tl::unexpected(driver.error());
    Peer node(**driver, ServiceName("service"), "a", short_lease());
    return node.try_sync();
  }
  static void expect_refused(const Result<SyncReply>& reply, ErrorCode code,
                             const std::vector<std::string>& words) {
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().code, code) << reply.error().message;
    for (const std::string& word : words) {
      EXPECT_NE(reply.error().message.find(word), std::string::npos)
          << word << " in " << reply.error().message;
    }
    EXPECT_EQ(reply.error().message.find(kPassword), std::string::npos) << reply.error().message;
  }
  static void expect_accepted(const Result<SyncReply>& reply) { EXPECT_TRUE(reply) << reply.error().message; }
  static long connections() {
    const auto info = server().command({"INFO", "stats"});
    return std::stol(info.substr(info.find("total_connections_received:") + 27));
  }

  inline static std::unique_ptr<Surroundings> surroundings_;
};

TEST_F(RedisTls, ACertificateForTheHostByNameOrAddressIsAccepted) {
  expect_accepted(join(url(trusting_us())));
  expect_accepted(join(url(trusting_us(), server().tls_port(), "localhost")));
}

TEST_F(RedisTls, ACertificateOfAnotherHostIsRefusedByNameAndByAddress) {
  serve(ours().issue("DNS:elsewhere.example,IP:10.1.2.3"));
  const std::vector<std::string> words{"for another host", "elsewhere.example", "10.1.2.3"};
  expect_refused(join(url(trusting_us())), ErrorCode::permission_denied, words);
  expect_refused(join(url(trusting_us(), server().tls_port(), "localhost")), ErrorCode::permission_denied,
                 words);
  // A wildcard stands for a whole label, and never for an address.
  serve(ours().issue("DNS:local*,DNS:*,DNS:127.0.0.1"));
  expect_refused(join(url(trusting_us(), server().tls_port(), "localhost")), ErrorCode::permission_denied,
                 {"for another host"});
  expect_refused(join(url(trusting_us())), ErrorCode::permission_denied, {"for another host"});
}

TEST_F(RedisTls, ACertificateOutsideItsTimeIsRefused) {
  serve(ours().issue(kOurHosts, Validity::over));
  expect_refused(join(url(trusting_us())), ErrorCode::permission_denied, {"has expired on 20"});
  expect_refused(join(url(trusting_us() + "&verify=ca")), ErrorCode::permission_denied,
                 {"has expired on 20"});
  serve(ours().issue(kOurHosts, Validity::not_yet));
  expect_refused(join(url(trusting_us())), ErrorCode::permission_denied, {"not valid before 20"});
}

TEST_F(RedisTls, AnAuthorityThatIsNotTrustedIsRefusedAndNamed) {
  serve(foreign().issue(kOurHosts));
  const std::vector<std::string> words{"a foreign authority", "ca=FILE"};
  expect_refused(join(url(trusting_us())), ErrorCode::permission_denied, words);
  expect_refused(join(url(trusting_us() + "&verify=ca")), ErrorCode::permission_denied, words);
  expect_refused(join(url("")), ErrorCode::permission_denied, words);  // the system's authorities
  const auto alone = ours().issue_self_signed(kOurHosts);
  serve(alone);
  expect_refused(join(url(trusting_us())), ErrorCode::permission_denied, {"signed by itself", "ca=FILE"});
  expect_accepted(join(url("?ca=" + alone.certificate)));
}

TEST_F(RedisTls, LessIsVerifiedOnlyWhereItIsAskedFor) {
  serve(ours().issue("DNS:elsewhere.example"));
  expect_accepted(join(url(trusting_us() + "&verify=ca")));
  serve(foreign().issue("DNS:elsewhere.example", Validity::over));
  expect_refused(join(url(trusting_us() + "&verify=ca")), ErrorCode::permission_denied, {});
  expect_accepted(join(url("?verify=none")));
}

TEST_F(RedisTls, AClientsCertificateIsShownWhereItIsWanted) {
  const auto own = ours().issue("");
  const auto strange = foreign().issue("");
  const auto showing = [](const CertificateFiles& files) {
    return trusting_us() + "&cert=" + files.certificate + "&key=" + files.key;
  };
  for (const std::string protocol : {"TLSv1.2", "TLSv1.3"}) {
    configure({"tls-auth-clients", "yes", "tls-protocols", protocol});
    expect_accepted(join(url(showing(own))));
    expect_refused(join(url(trusting_us())), ErrorCode::permission_denied,
                   {"wants a client's certificate", "cert=FILE"});
    expect_refused(join(url(showing(strange))), ErrorCode::permission_denied,
                   {"refuses this client's certificate"});
  }
}

TEST_F(RedisTls, AServerWithoutANewEnoughProtocolIsRefused) {
  if (configured({"tls-protocols", "TLSv1.1", "tls-ciphers", "DEFAULT@SECLEVEL=0"}) != "OK\n")
    GTEST_SKIP() << "this server has no TLS 1.1";
  expect_refused(join(url(trusting_us())), ErrorCode::unsupported, {"no TLS 1.2 or newer"});
}

TEST_F(RedisTls, TheWrongKindOfPortIsNamedInTime) {
  const auto started = BootClock::now();
  const auto plain_port = join(url(trusting_us() + "&connect_timeout=300ms", server().port()));
  ASSERT_FALSE(plain_port);
  EXPECT_NE(plain_port.error().message.find("speak TLS"), std::string::npos) << plain_port.error().message;
  const auto tls_port = join(url("?connect_timeout=300ms", server().tls_port(), "127.0.0.1", "redis"));
  ASSERT_FALSE(tls_port);
  EXPECT_NE(tls_port.error().message.find("rediss://"), std::string::npos) << tls_port.error().message;
  EXPECT_LT(BootClock::now() - started, 2s);
}

TEST_F(RedisTls, AServerThatFreezesInTheHandshakeIsGivenUpInTime) {
  const auto driver = open_redis(url(trusting_us())).value();
  Peer node(*driver, ServiceName("service"), "a", short_lease());
  server().freeze();
  const auto started = BootClock::now();
  const auto reply = node.session().sync(node.request, started + 200ms);
  const auto took = BootClock::now() - started;
  EXPECT_TRUE(node.session().wait(BootClock::now() + 50ms, -1).empty());
  EXPECT_LT(BootClock::now() - started, took + 200ms);
  server().thaw();
  expect_refused(reply, ErrorCode::unavailable, {"TLS handshake in time"});
  EXPECT_GE(took, 200ms);
  EXPECT_LT(took, 400ms);
  (void)node.sync_until([](const SyncReply& each) { return each.settled; });
}

/// What a client says first to a server that listens and never answers.
std::string first_words(const std::string& host) {
  const driver::Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(listener.get(), raw, size) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), raw, &size) != 0) {
    return {};
  }
  const auto driver = open_redis("rediss://" + host + ":" + std::to_string(ntohs(address.sin_port))).value();
  const auto session = driver->open(ServiceName("service"));
  for (const auto deadline = soon(); BootClock::now() < deadline;) {
    EXPECT_FALSE(session->status(BootClock::now() + 100ms));
    const driver::Descriptor accepted(::accept(listener.get(), nullptr, nullptr));
    std::array<char, 4096> buffer{};
    const auto received = ::recv(accepted.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (received > 0) return {buffer.data(), static_cast<std::size_t>(received)};
  }
  return {};
}

TEST_F(RedisTls, TheServerIsToldTheNameThatIsAskedForButNoAddress) {
  EXPECT_NE(first_words("localhost").find("localhost"), std::string::npos);
  const std::string words = first_words("127.0.0.1");
  EXPECT_FALSE(words.empty());
  EXPECT_EQ(words.find("127.0.0.1"), std::string::npos);
}

TEST_F(RedisTls, APoolHearsHintsAndKeepsItsConnection) {
  const auto driver = open_redis(url(trusting_us())).value();
  Peer node(*driver, ServiceName("service"), "a", middle_lease());
  (void)node.sync();
  ASSERT_TRUE(hears(node, Hint::Kind::unknown));
  // What TLS itself sends after the handshake must not look like the end of the connection.
  const auto before = connections();
  for (int round = 0; round < 5; ++round) (void)node.sync();
  EXPECT_EQ(connections() - before, 1) << "only this count's own";
  Peer other(*driver, ServiceName("service"), "b", middle_lease());
  (void)other.sync();
  EXPECT_TRUE(hears(node, Hint::Kind::view));
}

TEST_F(RedisTls, MuchIsCarriedBothWays) {
  const RedisOptions options = parse_redis_url(url(trusting_us())).value();
  const redis::Endpoint endpoint = redis::endpoint_of(options);
  const auto context = redis::TlsContext::load(options.tls).value();
  const auto addresses = redis::Resolver().resolve(endpoint, soon()).value();
  auto connection = redis::Connection::open(options, context, endpoint, addresses, soon()).value();
  // Far more than a record of TLS or a buffer of the kernel holds.
  std::string much(8'000'000, 'x');
  for (std::size_t at = 0; at < much.size(); at += 1000) much[at] = static_cast<char>('a' + at / 1000 % 26);
  const auto reply = connection.call({"ECHO", much}, soon());
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_TRUE(reply->text == much);
}

TEST_F(RedisTls, AConnectionThatIsResetIsMadeAgain) {
  test::TcpGate gate(server().tls_port());
  const auto driver = open_redis(url(trusting_us(), gate.port())).value();
  Peer node(*driver, ServiceName("service"), "a", middle_lease());
  (void)node.sync();
  ASSERT_TRUE(hears(node, Hint::Kind::unknown));
  gate.reset_connections();
  (void)sync_at_last(node);
  EXPECT_TRUE(hears(node, Hint::Kind::unknown)) << "the hints' connection, too";
  // In the midst of a request: the reply never comes, and what the server did is not known.
  gate.set({.replies_pass = false});
  const auto lost = node.session().sync(node.request, BootClock::now() + 100ms);
  expect_refused(lost, ErrorCode::outcome_unknown, {"did not answer in time"});
  gate.set({});
  gate.reset_connections();
  node.request.sequence += 10;
  (void)sync_at_last(node);
}

TEST_F(RedisTls, FilesThatCannotBeUsedAreNamedWhenTheDriverIsOpened) {
  const auto own = ours().issue("");
  const auto other = ours().issue("");
  const auto locked = ours().with_passphrase(own.key);
  const std::string cert = "&cert=" + own.certificate;
  struct Case {
    std::string query;
    std::string named;
    std::string why;
  };
  for (const auto& [query, named, why] :
       {Case{"?ca=/nowhere/ca.pem", "/nowhere/ca.pem", "No such file"},
        Case{"?ca=" + own.key, own.key, "no PEM file"},
        Case{trusting_us() + "&cert=/nowhere/x&key=" + own.key, "/nowhere/x", "No such file"},
        Case{trusting_us() + cert + "&key=" + own.certificate, own.certificate, "no PEM file"},
        Case{trusting_us() + cert + "&key=" + other.key, other.key, "does not belong to"},
        Case{trusting_us() + cert + "&key=" + locked, locked, "passphrase"}}) {
    const auto driver = open_redis(url(query));
    ASSERT_FALSE(driver) << query;
    EXPECT_EQ(driver.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(driver.error().message.find(named), std::string::npos) << driver.error().message;
    EXPECT_NE(driver.error().message.find(why), std::string::npos) << driver.error().message;
  }
}

}  // namespace
}  // namespace nodepool::conformance
