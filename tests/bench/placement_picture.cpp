// Draws docs/placement.svg from what it measures here and now: how evenly each placement divides the hashes,
// and how many known jobs move when a node is lost. `placement_picture > docs/placement.svg`; with --table,
// the numbers as text.

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "nodepool/assign.hpp"
#include "nodepool/placement.hpp"

namespace nodepool::bench {
namespace {

constexpr std::array<std::size_t, 8> kSizes{5, 10, 20, 50, 100, 200, 500, 1'000};
constexpr std::size_t kJobs = 100'000;
constexpr unsigned kSamples = 4;  ///< Sets of node names; what is told is their mean.

struct Row {
  std::string name;
  std::string colour;
  std::vector<double> balance;   ///< Of each size: the fullest node, by the mean.
  std::vector<double> movement;  ///< Of each size: jobs moved at a loss, by those the lost node had.
};

struct Rule {
  const char* name;
  const char* colour;
  PlacementKind kind;
  unsigned points;
  unsigned percent;  ///< Of a bounded assignment; 0: the placement itself.
};

constexpr std::array<Rule, 6> kRules{{
    {"ring, 50 points", "#c0392b", PlacementKind::ring, 50, 0},
    {"ring, 1,000 points", "#e67e22", PlacementKind::ring, 1'000, 0},
    {"rendezvous", "#2471a3", PlacementKind::rendezvous, 0, 0},
    {"rendezvous-fine", "#17a589", PlacementKind::rendezvous_fine, 0, 0},
    {"assign 125 %, ring", "#7d3c98", PlacementKind::ring, 50, 125},
    {"assign 105 %, ring", "#5d6d7e", PlacementKind::ring, 50, 105},
}};

std::vector<RingNode> make_nodes(std::size_t count, unsigned sample) {
  std::vector<RingNode> nodes;
  for (std::size_t i = 0; i < count; ++i) nodes.push_back({fmt::format("node-{}-{:04}-", sample, i)});
  return nodes;
}

JobSet make_jobs() {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < kJobs; ++i) names.push_back(fmt::format("job-{}", i));
  return JobSet(std::move(names));
}

double share_of(const ArcSet& arcs) {
  double share = 0;
  for (const ArcSet::Arc& arc : arcs.arcs()) {
    share += std::ldexp(static_cast<double>(arc.last - arc.first) + 1, -64);
  }
  return share;
}

double fullest(const Placement& placement) {
  double most = 0;
  for (const RingNode& node : placement.nodes()) {
    most = std::max(most, share_of(placement.arcs_of(node.name)));
  }
  return most * static_cast<double>(placement.nodes().size());
}

double fullest(const Assignment& assignment) {
  std::size_t most = 0;
  for (const Assignment::Share& share : assignment.shares()) most = std::max(most, share.jobs);
  return static_cast<double>(most * assignment.shares().size()) / static_cast<double>(assignment.size());
}

/// Adds what one set of nodes shows: balance, and the movement at the loss of one of them.
void measure(const Rule& rule, const JobSet& jobs, std::size_t size, unsigned sample, Row& row) {
  const auto before =
      Placement::build(rule.kind, make_nodes(size, sample), std::max(1U, rule.points)).value();
  std::vector<RingNode> left = before.nodes();
  const std::string lost = left[size / 2].name;
  left.erase(left.begin() + static_cast<std::ptrdiff_t>(size / 2));
  const auto after = before.changed_to(left).value();
  // Without a bound, an assignment is the placement.
  const unsigned percent = rule.percent == 0 ? kMaxBoundPercent : rule.percent;
  const Assignment then = assign(jobs, before, percent).value();
  const Assignment now = assign(jobs, after, percent).value();
  double moved = 0;
  for (std::size_t job = 0; job < jobs.size(); ++job) {
    moved += then.owner(job)->name != now.owner(job)->name ? 1 : 0;
  }
  row.balance.back() += (rule.percent == 0 ? fullest(before) : fullest(then)) / kSamples;
  row.movement.back() += moved / static_cast<double>(then.jobs_of(lost).size()) / kSamples;
}

std::vector<Row> measure_all() {
  const JobSet jobs = make_jobs();
  std::vector<Row> rows;
  for (const Rule& rule : kRules) {
    Row row{rule.name, rule.colour, {}, {}};
    for (const std::size_t size : kSizes) {
      row.balance.push_back(0);
      row.movement.push_back(0);
      for (unsigned sample = 0; sample < kSamples; ++sample) measure(rule, jobs, size, sample, row);
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

// ---- drawing

/// One diagram: sizes to the right (logarithmic), a ratio upwards.
struct Panel {
  std::string title;
  double left;
  double lowest;
  double highest;
  double step;

  static constexpr double kWidth = 360;
  static constexpr double kTop = 50;
  static constexpr double kHeight = 280;

  [[nodiscard]] double x(std::size_t size) const {
    const double first = std::log(static_cast<double>(kSizes.front()));
    const double span = std::log(static_cast<double>(kSizes.back())) - first;
    return left + kWidth * (std::log(static_cast<double>(size)) - first) / span;
  }
  [[nodiscard]] double y(double value) const {
    return kTop + kHeight * (1 - (std::min(value, highest) - lowest) / (highest - lowest));
  }

  void draw_frame() const {
    fmt::print("<text x=\"{:.0f}\" y=\"30\" font-size=\"15\">{}</text>\n", left, title);
    for (double value = lowest; value < highest + step / 2; value += step) {
      fmt::print("<line x1=\"{0:.1f}\" x2=\"{1:.1f}\" y1=\"{2:.1f}\" y2=\"{2:.1f}\" stroke=\"#ddd\"/>\n",
                 left, left + kWidth, y(value));
      fmt::print("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"end\">{:.2f}</text>\n", left - 6,
                 y(value) + 4, value);
    }
    for (const std::size_t size : kSizes) {
      fmt::print("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">{}</text>\n", x(size),
                 kTop + kHeight + 18, size);
    }
    fmt::print("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"middle\">nodes</text>\n", left + kWidth / 2,
               kTop + kHeight + 36);
  }

  /// `dashes` are further attributes of the line.
  void draw_line(const std::vector<double>& values, const std::string& colour,
                 const std::string& dashes = {}) const {
    std::string points;
    for (std::size_t i = 0; i < values.size(); ++i) {
      points += fmt::format("{:.1f},{:.1f} ", x(kSizes[i]), y(values[i]));
    }
    fmt::print("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{}/>\n", points, colour,
               dashes);
  }
};

/// The placements themselves all move the least possible. Their lines are one, so each colour gets dashes of
/// its own in it.
std::string movement_dashes(std::size_t rule) {
  if (kRules[rule].percent != 0) return {};
  const auto unbounded = std::ranges::count(kRules, 0U, &Rule::percent);
  constexpr std::size_t kDash = 9;
  return fmt::format(" stroke-dasharray=\"{} {}\" stroke-dashoffset=\"-{}\"", kDash,
                     kDash * (static_cast<std::size_t>(unbounded) - 1), kDash * rule);
}

void draw(const std::vector<Row>& rows) {
  const Panel balance{"Balance: the fullest node, by the mean (1 = even)", 60, 1.0, 1.8, 0.1};
  const Panel movement{"Jobs moved at a loss, by the least (1 = optimal)", 500, 1.0, 4.0, 0.5};
  fmt::print(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 900 460\" font-family=\"sans-serif\" "
      "font-size=\"12\">\n<rect width=\"900\" height=\"460\" fill=\"white\"/>\n");
  balance.draw_frame();
  movement.draw_frame();
  double legend = 60;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    balance.draw_line(rows[i].balance, rows[i].colour);
    movement.draw_line(rows[i].movement, rows[i].colour, movement_dashes(i));
    const double line = 400 + 24 * static_cast<double>(i / 3);
    fmt::print(
        "<rect x=\"{:.0f}\" y=\"{:.0f}\" width=\"18\" height=\"4\" fill=\"{}\"/>"
        "<text x=\"{:.0f}\" y=\"{:.0f}\">{}</text>\n",
        legend, line, rows[i].colour, legend + 26, line + 6, rows[i].name);
    legend = i % 3 == 2 ? 60 : legend + 240;
  }
  fmt::print("</svg>\n");
}

void tell(const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    fmt::print("{}\n", row.name);
    for (std::size_t i = 0; i < kSizes.size(); ++i) {
      fmt::print("  {:5} nodes: balance {:.3f}, movement {:.3f}\n", kSizes[i], row.balance[i],
                 row.movement[i]);
    }
  }
}

}  // namespace
}  // namespace nodepool::bench

int main(int argc, char** argv) {
  const auto rows = nodepool::bench::measure_all();
  if (argc > 1 && std::string(argv[1]) == "--table") {
    nodepool::bench::tell(rows);
  } else {
    nodepool::bench::draw(rows);
  }
  return 0;
}
