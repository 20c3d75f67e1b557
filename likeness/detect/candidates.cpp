#include "likeness/detect/candidates.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace likeness {
namespace {

double intersection(const Candidate& a, const Candidate& b) {
  const double width = std::min(a.x2, b.x2) - std::max(a.x1, b.x1) + 1;
  const double height = std::min(a.y2, b.y2) - std::max(a.y1, b.y1) + 1;
  return std::max(0.0, width) * std::max(0.0, height);
}

double area(const Candidate& box) { return (box.x2 - box.x1 + 1) * (box.y2 - box.y1 + 1); }

bool too_close(const Candidate& a, const Candidate& b, double threshold, Overlap overlap) {
  const double common = intersection(a, b);
  const double whole = overlap == Overlap::kUnion ? area(a) + area(b) - common : std::min(area(a), area(b));
  return common / whole > threshold;
}

}  // namespace

void suppress(std::vector<Candidate>& boxes, double threshold, Overlap overlap, SuppressScratch& scratch) {
  auto& order = scratch.order;
  order.resize(boxes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return boxes[a].score != boxes[b].score ? boxes[a].score > boxes[b].score : a > b;
  });
  auto& kept = scratch.kept;
  kept.clear();
  for (const std::size_t index : order) {
    const Candidate& box = boxes[index];
    const bool dropped = std::any_of(kept.begin(), kept.end(), [&](const Candidate& better) {
      return too_close(better, box, threshold, overlap);
    });
    if (!dropped) kept.push_back(box);
  }
  boxes.swap(kept);
}

void refine(Candidate& box, double extra) {
  const double width = box.x2 - box.x1 + extra;
  const double height = box.y2 - box.y1 + extra;
  box.x1 += box.shift[0] * width;
  box.y1 += box.shift[1] * height;
  box.x2 += box.shift[2] * width;
  box.y2 += box.shift[3] * height;
}

void make_square(Candidate& box) {
  const double width = box.x2 - box.x1;
  const double height = box.y2 - box.y1;
  const double side = std::max(width, height);
  box.x1 += width * 0.5 - side * 0.5;
  box.y1 += height * 0.5 - side * 0.5;
  box.x2 = box.x1 + side;
  box.y2 = box.y1 + side;
}

void fix(Candidate& box) {
  box.x1 = std::trunc(box.x1);
  box.y1 = std::trunc(box.y1);
  box.x2 = std::trunc(box.x2);
  box.y2 = std::trunc(box.y2);
}

}  // namespace likeness
