#include "nodepool/doctor.hpp"

#include <fmt/core.h>

#include <iterator>
#include <memory>

#include "core/pool_findings.hpp"
#include "nodepool/driver.hpp"

namespace nodepool {
namespace {

using Grade = Finding::Grade;

constexpr int kRoundTrips = 10;

Finding unreachable(const Error& error) {
  const bool try_again = error.code == ErrorCode::unavailable || error.code == ErrorCode::outcome_unknown;
  return {Grade::problem, "store", error.message,
          try_again ? "check that it runs and that this machine reaches it" : ""};
}

/// The pool as the session sees it, and how long it took to ask so often.
struct Look {
  Result<PoolStatus> status;
  std::vector<std::chrono::nanoseconds> round_trips;
};

Look look_at(Session& session, MonotonicTime deadline) {
  Look look{session.status(deadline), {}};  // connects: no round trip
  while (look.round_trips.size() < kRoundTrips && BootClock::now() < deadline) {
    const bool answered = look.status || look.status.error().code == ErrorCode::not_found;
    if (!answered) return look;
    const MonotonicTime begin = BootClock::now();
    look.status = session.status(deadline);
    look.round_trips.push_back(BootClock::now() - begin);
  }
  return look;
}

std::vector<Finding> examine_pool(Session& session, const Capabilities& store, const ServiceName& service,
                                  MonotonicTime deadline) {
  const Look look = look_at(session, deadline);
  if (!look.status && look.status.error().code != ErrorCode::not_found)
    return {unreachable(look.status.error())};
  std::vector<Finding> findings{{Grade::good, "store", "it answers", ""}};
  if (!look.round_trips.empty()) {
    findings.push_back(
        round_trip_finding(look.round_trips, look.status ? look.status->config : PoolConfig{}));
  }
  if (look.status) {
    std::ranges::move(pool_findings(*look.status, store), std::back_inserter(findings));
  } else {
    findings.push_back({Grade::note, "pool", fmt::format("the store knows no service '{}'", service.str()),
                        "start a node, or check the service's name"});
  }
  return findings;
}

}  // namespace

std::vector<Finding> examine(Driver& driver, const ServiceName& service, MonotonicTime deadline) {
  if (auto valid = validate(service); !valid) {
    return {{Grade::problem, "service", valid.error().message, "give the service a valid name"}};
  }
  const auto session = driver.open(service);
  auto findings = examine_pool(*session, driver.capabilities(), service, deadline);
  std::ranges::move(session->examine(deadline), std::back_inserter(findings));
  return findings;
}

}  // namespace nodepool
