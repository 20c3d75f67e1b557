#include "likeness/embed/comparison.h"

#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#include "likeness/core/error.h"

namespace likeness {

Comparison::Comparison(std::string_view contract_json, std::string_view what) {
  // A contract of another program, or one that is not whole, says nothing of how to compare.
  const auto json = nlohmann::json::parse(contract_json, nullptr, false);
  if (!json.is_object() || json.value("metric", nlohmann::json("cosine")) == "cosine") return;
  try {
    centre_ = contract_from_json(contract_json, what).centre;
  } catch (const Error& error) {
    throw Error(ErrorCode::kDataInvalid, error.what());
  }
}

Embeddings Comparison::comparable(Embeddings embeddings) const {
  if (plain() || embeddings.values.empty()) return embeddings;  // of no face: of no dimension
  if (embeddings.dimension != centre_.size()) {
    throw Error(ErrorCode::kDataInvalid, "embeddings of " + std::to_string(embeddings.dimension) +
                                             " values with the contract of a model of " +
                                             std::to_string(centre_.size()));
  }
  l2_normalize(embeddings);
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    const auto row = std::span(embeddings.values).subspan(i * centre_.size(), centre_.size());
    if (dot(row, row) == 0) continue;
    for (std::size_t j = 0; j < row.size(); ++j) row[j] -= centre_[j];
  }
  l2_normalize(embeddings);
  return embeddings;
}

std::vector<float> Comparison::comparable(std::span<const float> embedding) const {
  return comparable(Embeddings{embedding.size(), {embedding.begin(), embedding.end()}}).values;
}

std::vector<float> mean_embedding(const Embeddings& embeddings) {
  if (embeddings.size() == 0) throw std::invalid_argument("the mean of no embeddings");
  std::vector<double> sum(embeddings.dimension);
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    const auto row = embeddings[i];
    for (std::size_t j = 0; j < row.size(); ++j) sum[j] += row[j];
  }
  std::vector<float> mean;
  for (const double value : sum)
    mean.push_back(static_cast<float>(value / static_cast<double>(embeddings.size())));
  return mean;
}

}  // namespace likeness
