#include "likeness/gallery/sharded_faces.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <stdexcept>

#include "likeness/core/error.h"
#include "likeness/gallery/person_faces.h"

namespace likeness {
namespace {

/// Bytes of an answer about neighbours: of more queries some are asked first.
constexpr std::size_t kMostNearBytes = std::size_t{16} << 20;

/// What a person has in all shards: the first faces, and of the others those that `rest` wants.
template <typename Wanted>
FaceVectors joined(std::span<const ShardAnswer> answers, std::size_t place, std::size_t dimension,
                   const Wanted& rest) {
  struct Row {
    std::int64_t face;
    std::span<const float> values;
  };
  std::vector<Row> rows;
  for (const ShardAnswer& answer : answers) {
    const FaceVectors& own = answer.people[place];
    for (std::size_t i = 0; i < own.ids.size(); ++i) rows.push_back({own.ids[i], own.vectors[i]});
  }
  std::ranges::sort(rows, {}, &Row::face);
  FaceVectors all{{}, {dimension, {}}};
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i >= PersonFaces::kMost && !rest(rows[i].face)) continue;
    all.ids.push_back(rows[i].face);
    all.vectors.values.insert(all.vectors.values.end(), rows[i].values.begin(), rows[i].values.end());
  }
  return all;
}

}  // namespace

std::vector<ShardAnswer> ShardCaller::ask(ShardRequest request) const {
  if (request.queries.size() > 0 && request.queries.dimension != dimension_)
    throw std::invalid_argument("a query of another dimension");
  request.identity = identity_;
  const std::vector<std::string> told = ask_(to_bytes(request), most_answer_bytes(request, dimension_));
  std::vector<ShardAnswer> answers;
  std::size_t faces = 0;
  for (std::size_t i = 0; i < told.size(); ++i) {
    const Shard shard{static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(told.size())};
    try {
      answers.push_back(shard_answer_from(told[i], request, shard, dimension_));
    } catch (const std::invalid_argument& error) {
      throw Error(ErrorCode::kDataInvalid, "shard " + std::to_string(shard.number) + "/" +
                                               std::to_string(shard.of) + ": wrong answer: " + error.what());
    }
    faces += answers.back().faces;
  }
  faces_ = faces;
  return answers;
}

NearFaces ShardedFaces::near(const Embeddings& queries, std::size_t count) const {
  NearFaces near;
  const auto wanted =
      static_cast<std::uint32_t>(std::min<std::size_t>(count, std::numeric_limits<std::uint32_t>::max()));
  const std::size_t at_once = std::clamp<std::size_t>(
      kMostNearBytes / (std::size_t{wanted} + 1) / sizeof(OwnedNeighbour), 1, ShardRequest::kMostQueries);
  for (std::size_t first = 0; first < queries.size(); first += at_once) {
    const std::size_t size = std::min(at_once, queries.size() - first);
    const auto values =
        std::span(queries.values).subspan(first * queries.dimension, size * queries.dimension);
    std::vector<ShardAnswer> answers =
        shards_->ask({.ask = ShardAsk::kNear,
                      .identity = {},
                      .version = version_,
                      .count = wanted,
                      .queries = {queries.dimension, {values.begin(), values.end()}}});
    near.faces = 0;
    for (const ShardAnswer& answer : answers) near.faces += answer.faces;
    for (std::size_t q = 0; q < size; ++q) {
      auto& all = near.queries.emplace_back();
      for (const ShardAnswer& answer : answers)
        all.insert(all.end(), answer.neighbours[q].begin(), answer.neighbours[q].end());
      std::ranges::sort(all, [](const OwnedNeighbour& a, const OwnedNeighbour& b) {
        return a.cosine != b.cosine ? a.cosine > b.cosine : a.face < b.face;
      });
      all.resize(std::min(all.size(), count));
    }
  }
  return near;
}

void ShardedFaces::people(std::span<const AskedPerson> asked,
                          const std::function<void(std::size_t, const FaceVectors&)>& sink) const {
  for (std::size_t first = 0; first < asked.size(); first += ShardRequest::kMostPeople) {
    const auto some = asked.subspan(first, std::min(ShardRequest::kMostPeople, asked.size() - first));
    const std::vector<ShardAnswer> answers = shards_->ask({.ask = ShardAsk::kPeople,
                                                           .identity = {},
                                                           .version = version_,
                                                           .people = {some.begin(), some.end()}});
    for (std::size_t i = 0; i < some.size(); ++i) {
      sink(first + i,
           joined(answers, i, shards_->dimension(), [&](std::int64_t face) { return face == some[i].face; }));
    }
  }
}

FaceVectors ShardedFaces::person(std::int64_t person, std::span<const float> query) const {
  const std::vector<ShardAnswer> answers =
      shards_->ask({.ask = ShardAsk::kPerson,
                    .identity = {},
                    .version = version_,
                    .queries = {query.size(), {query.begin(), query.end()}},
                    .people = {{person, 0}}});
  return joined(answers, 0, shards_->dimension(), [](std::int64_t) { return true; });
}

}  // namespace likeness
