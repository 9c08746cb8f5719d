#include "driver/redis/hint_listener.hpp"

#include <utility>

#include "driver/redis/errors.hpp"
#include "driver/redis/scripts.hpp"
#include "driver/redis/step_text.hpp"

namespace nodepool::redis {

HintListener::HintListener(const RedisOptions& options, std::shared_ptr<const TlsContext> tls,
                           const ServiceName& service, std::uint32_t seed)
    : confirms_(options.min_replicas > 0),
      subscription_(options, std::move(tls), hint_channel(service), seed) {}

std::vector<Hint> HintListener::take() {
  std::vector<Hint> hints;
  for (const Subscription::Heard& heard : subscription_.take()) {
    auto published = heard ? read_hint(*heard) : std::nullopt;
    if (!published) {
      hints.emplace_back();  // hints were missed, or this one says something unknown
    } else if (published->node != own_id_ || published->hint.kind == Hint::Kind::drain) {
      hints.push_back(believed(std::move(published->hint)));
    }
  }
  return hints;
}

/// A master that was replaced and does not know it may evict, and give away the jobs of, a node whose lease
/// its successor renews. Its replies are not confirmed, so nobody acts on them; nor must anybody on its hints
/// (docs/protocol.md, "Replication"). That a view has come only takes rights away, whoever says it.
Hint HintListener::believed(Hint hint) const {
  if (confirms_ && hint.kind != Hint::Kind::view) hint.detail.reset();
  return hint;
}

std::optional<Error> HintListener::denied() const {
  const auto& denial = subscription_.denied();
  if (!denial) return std::nullopt;
  return server_error(denial->text, denial->server, {});
}

}  // namespace nodepool::redis
