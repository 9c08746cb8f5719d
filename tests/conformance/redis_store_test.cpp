// The contract of all stores on real Redis servers, and what only a server can do to a pool: crash, freeze,
// forget.

#include <gtest/gtest.h>

#include <sstream>

#include "conformance/store_contract.hpp"
#include "driver/redis/errors.hpp"
#include "nodepool/redis.hpp"
#include "support/certificates.hpp"
#include "support/redis_server.hpp"

namespace nodepool::conformance {
namespace {

using test::RedisServer;

enum class Way { tcp, unix_socket, acl_user, tls };

/// One server for all tests of the contract: emptied before each of them.
struct SharedServer {
  test::CertificateAuthority authority{"the contract's authority"};
  test::CertificateFiles certificate = authority.issue("DNS:localhost,IP:127.0.0.1");
  RedisServer server{{"--tls-cert-file", certificate.certificate, "--tls-key-file", certificate.key,
                      "--tls-auth-clients", "no"}};
};
SharedServer& shared() {
  static SharedServer shared;
  return shared;
}
RedisServer& shared_server() {
  return shared().server;
}

class RedisUnderTest final : public StoreUnderTest {
 public:
  explicit RedisUnderTest(Way way) : way_(way) {
    (void)shared_server().command({"FLUSHALL"});
    std::vector<std::string> grant{"ACL", "SETUSER", "nodes", "reset", "on", ">p@ss/word:%"};
    std::istringstream rights{std::string(redis::required_rights())};
    for (std::string right; rights >> right;) grant.push_back(right);
    EXPECT_EQ(shared_server().command(grant), "OK\n");
  }
  std::shared_ptr<Driver> connect() override {
    auto driver = open_redis(url());
    if (!driver) throw std::runtime_error(driver.error().message);
    return *driver;
  }
  [[nodiscard]] bool first_pool_is_behind_barrier() const override { return true; }

 private:
  [[nodiscard]] std::string url() const {
    switch (way_) {
      case Way::tcp:
        return shared_server().url();
      case Way::unix_socket:
        return shared_server().unix_url();
      case Way::tls:
        return "rediss://localhost:" + std::to_string(shared_server().tls_port()) +
               "?ca=" + shared().authority.file();
      case Way::acl_user:
        return "redis://nodes:p%40ss%2Fword%3A%25@localhost:" + std::to_string(shared_server().port()) + "/3";
    }
    return {};
  }
  Way way_;
};

StoreParameter parameter(const std::string& name, Way way) {
  return {name, [way] { return std::make_unique<RedisUnderTest>(way); }};
}

INSTANTIATE_TEST_SUITE_P(Redis, StoreContract,
                         testing::Values(parameter("tcp", Way::tcp), parameter("unix", Way::unix_socket),
                                         parameter("acl", Way::acl_user), parameter("tls", Way::tls)),
                         [](const auto& each) { return each.param.name; });

}  // namespace
}  // namespace nodepool::conformance
