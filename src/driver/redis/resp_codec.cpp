#include "driver/redis/resp_codec.hpp"

#include <hiredis/hiredis.h>

#include <new>
#include <type_traits>
#include <utility>

namespace nodepool::redis {
namespace {

/// What the callbacks may use up while one reply is built.
struct Budget {
  std::size_t items = 0;
};

/// The place for the value that the reader has just seen: the end of its parent, or a new root. Arrays grow
/// as their items come in, so that an announced count costs nothing. Null (which the reader takes for "out of
/// memory") if the reply exceeds its budget.
Reply* place(const redisReadTask* task) {
  auto* budget = static_cast<Budget*>(task->privdata);
  if (budget != nullptr && ++budget->items > kMaxReplyItems) return nullptr;
  if (task->parent == nullptr) return new (std::nothrow) Reply;
  auto* parent = static_cast<Reply*>(task->parent->obj);
  return &parent->items.emplace_back();
}

/// Fills a new value; no exception may pass through the C code of the reader.
template <class Fill>
void* make(const redisReadTask* task, Fill fill) noexcept {
  try {
    Reply* reply = place(task);
    if (reply == nullptr) return nullptr;
    fill(*reply);
    return reply;
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* create_text(const redisReadTask* task, char* bytes, std::size_t size) {
  const int type = task->type;
  if (type != REDIS_REPLY_STRING && type != REDIS_REPLY_STATUS && type != REDIS_REPLY_ERROR) return nullptr;
  return make(task, [&](Reply& reply) {
    reply.kind = type == REDIS_REPLY_ERROR ? Reply::Kind::error : Reply::Kind::text;
    reply.text.assign(bytes, size);
  });
}

/// The type of the count differs between releases of the library.
template <class Count>
void* create_array(const redisReadTask* task, Count count) {
  const bool too_many = std::cmp_greater(count, kMaxReplyItems);
  if (too_many || task->type != REDIS_REPLY_ARRAY) return nullptr;
  return make(task, [](Reply& reply) { reply.kind = Reply::Kind::array; });
}

void* create_integer(const redisReadTask* task, long long value) {
  return make(task, [&](Reply& reply) {
    reply.kind = Reply::Kind::integer;
    reply.integer = value;
  });
}

void* create_nil(const redisReadTask* task) {
  return make(task, [](Reply&) {});
}

/// The reader only ever frees a root.
void free_root(void* root) {
  delete static_cast<Reply*>(root);
}

/// Newer releases of the library also know the types of RESP3, which we never ask for: they are refused.
template <class Functions>
void refuse_resp3(Functions& functions) {
  if constexpr (requires { functions.createDouble; }) {
    functions.createDouble = [](const redisReadTask*, double, char*, std::size_t) -> void* {
      return nullptr;
    };
  }
  if constexpr (requires { functions.createBool; }) {
    functions.createBool = [](const redisReadTask*, int) -> void* { return nullptr; };
  }
}

redisReplyObjectFunctions make_functions() {
  redisReplyObjectFunctions functions{};
  functions.createString = create_text;
  functions.createArray = create_array;
  functions.createInteger = create_integer;
  functions.createNil = create_nil;
  functions.freeObject = free_root;
  refuse_resp3(functions);
  return functions;
}

}  // namespace

struct ReplyReader::State {
  redisReplyObjectFunctions functions = make_functions();
  Budget budget;
  redisReader* reader = redisReaderCreateWithFunctions(&functions);
  std::size_t pending = 0;  ///< Bytes fed since the last complete reply.

  State() {
    if (reader == nullptr) throw std::bad_alloc();
    reader->privdata = &budget;
  }
  ~State() { redisReaderFree(reader); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
};

ReplyReader::ReplyReader() : state_(std::make_unique<State>()) {}
ReplyReader::~ReplyReader() = default;
ReplyReader::ReplyReader(ReplyReader&&) noexcept = default;
ReplyReader& ReplyReader::operator=(ReplyReader&&) noexcept = default;

void ReplyReader::feed(std::string_view bytes) {
  state_->pending += bytes.size();
  if (bytes.empty() || state_->pending > kMaxReplyBytes) return;
  redisReaderFeed(state_->reader, bytes.data(), bytes.size());
}

Result<std::optional<Reply>> ReplyReader::next() {
  State& state = *state_;
  if (state.pending > kMaxReplyBytes) {
    return failure(ErrorCode::store_corrupt, "the server's reply is larger than any reply of nodepool's");
  }
  void* root = nullptr;
  if (redisReaderGetReply(state.reader, &root) != REDIS_OK) {
    return failure(ErrorCode::store_corrupt, "what the server sent is not the protocol of Redis (RESP2)");
  }
  if (root == nullptr) return std::optional<Reply>();
  const std::unique_ptr<Reply> reply(static_cast<Reply*>(root));
  state.budget.items = 0;
  state.pending = state.reader->len - state.reader->pos;
  return std::optional<Reply>(std::move(*reply));
}

std::string encode_command(const std::vector<std::string>& arguments) {
  std::vector<const char*> texts;
  std::vector<std::size_t> sizes;
  texts.reserve(arguments.size());
  sizes.reserve(arguments.size());
  for (const std::string& argument : arguments) {
    texts.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  char* command = nullptr;
  const auto size =
      redisFormatCommandArgv(&command, static_cast<int>(texts.size()), texts.data(), sizes.data());
  if (size < 0 || command == nullptr) throw std::bad_alloc();
  std::string bytes(command, static_cast<std::size_t>(size));
  redisFreeCommand(command);
  return bytes;
}

}  // namespace nodepool::redis
