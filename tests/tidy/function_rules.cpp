#include <cctype>
#include <string>
#include <vector>

#include "tidy/rules.hpp"

namespace nodepool::tidy {
namespace {

constexpr std::size_t kMaxFunctionLines = 70;

enum class Block { scope, function, other };

struct OpenBlock {
  Block kind = Block::other;
  std::size_t line = 0;
};

std::string trimmed(const std::string& text) {
  const std::size_t first = text.find_first_not_of(" \n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \n") + 1 - first);
}

/// Without a leading `template <...>`, whose "class" would look like a type's, and without access labels.
std::string without_prefix(std::string head) {
  for (bool again = true; again;) {
    again = false;
    head = trimmed(head);
    for (const std::string label : {"public:", "protected:", "private:"}) {
      if (head.starts_with(label)) {
        head.erase(0, label.size());
        again = true;
      }
    }
    if (head.starts_with("template")) {
      std::size_t end = head.find('<');
      for (int depth = 0; end < head.size(); ++end) {
        depth += head[end] == '<' ? 1 : head[end] == '>' ? -1 : 0;
        if (depth == 0) {
          break;
        }
      }
      head.erase(0, end == std::string::npos ? head.size() : end + 1);
      again = true;
    }
  }
  return head;
}

bool starts_with_word(const std::string& text, const std::string& word) {
  return text.starts_with(word) && (text.size() == word.size() || text[word.size()] == ' ' ||
                                    text[word.size()] == '\n' || word.back() == '"');
}

/// What a `{` opens, from the text between the statement before it and itself.
Block classify(const std::string& statement, bool at_scope_level) {
  const std::string head = without_prefix(statement);
  if (!at_scope_level || head.ends_with('=')) {
    return Block::other;
  }
  for (const std::string word :
       {"namespace", "inline namespace", "extern \"", "class", "struct", "enum", "union"}) {
    if (starts_with_word(head, word)) {
      return Block::scope;
    }
  }
  return Block::function;
}

class BraceWalk {
 public:
  BraceWalk(const SourceFile& file, std::vector<Finding>& findings) : file_(file), findings_(findings) {}

  void run() {
    for (line_ = 0; line_ < file_.code.size(); ++line_) {
      const std::string& line = file_.code[line_];
      if (line.starts_with('#')) {
        continue;
      }
      for (const char byte : line) {
        step(byte);
      }
      head_ += '\n';
    }
  }

 private:
  void step(char byte) {
    if (byte == '{') {
      const bool at_scope_level = open_.empty() || open_.back().kind == Block::scope;
      open_.push_back({classify(head_, at_scope_level), line_});
      head_.clear();
    } else if (byte == '}') {
      close();
      head_.clear();
    } else if (byte == ';') {
      head_.clear();
    } else {
      head_ += byte;
    }
  }

  void close() {
    if (open_.empty()) {
      return;
    }
    const OpenBlock block = open_.back();
    open_.pop_back();
    const std::size_t body = line_ - block.line > 0 ? line_ - block.line - 1 : 0;
    if (block.kind == Block::function && body > kMaxFunctionLines) {
      findings_.push_back(file_.finding(block.line, "function-length",
                                        "the function has " + std::to_string(body) + " lines; split it at " +
                                            std::to_string(kMaxFunctionLines)));
    }
  }

  const SourceFile& file_;
  std::vector<Finding>& findings_;
  std::vector<OpenBlock> open_;
  std::string head_;
  std::size_t line_ = 0;
};

}  // namespace

void check_functions(const SourceFile& file, std::vector<Finding>& findings) {
  BraceWalk(file, findings).run();
}

}  // namespace nodepool::tidy
