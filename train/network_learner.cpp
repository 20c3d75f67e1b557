#include "train/network_learner.h"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <utility>

#include "likeness/dataset/augment.h"
#include "likeness/embed/embedder.h"
#include "train/learner_torch.h"
#include "train/network_module.h"
#include "train/random.h"
#include "train/triplet_loss.h"

namespace likeness::train {
namespace {

constexpr std::array<std::pair<Scope, std::string_view>, 3> kNames{
    {{Scope::kHead, "head"}, {Scope::kLast, "last"}, {Scope::kAll, "all"}}};

/// The last block of Inception-ResNet-v1 and the layers behind it.
bool is_last(const std::string& layer) {
  return layer.starts_with("Block8_6_") || layer.starts_with("Bottleneck");
}

/// Source of the ranges: what moves chips about as much as detector jitter and news photos' recompression do.
ChipChange draw_change(std::uint64_t seed, std::uint64_t epoch, std::size_t row) {
  Random random({seed, kAugment, epoch, row});
  const auto share = [&] { return 0.06 * random.uniform(); };
  ChipChange change;
  change.left = share();
  change.top = share();
  change.right = share();
  change.bottom = share();
  change.flip = random.below(2) == 1;
  change.brightness = 0.8 + 0.4 * random.uniform();
  change.jpeg_quality = 40 + static_cast<int>(random.below(56));
  return change;
}

struct NetworkLearner : Learner::Torch {
  std::shared_ptr<NetworkModule> network;
  std::vector<Chip> chips;
  Contract contract;
  bool augment;
  std::uint64_t seed;

  NetworkLearner(const Graph& graph, std::vector<Chip> faces, Contract how, Scope scope, bool change,
                 std::uint64_t change_seed)
      : chips(std::move(faces)), contract(std::move(how)), augment(change), seed(change_seed) {
    rows = chips.size();
    architecture =
        std::string(to_string(scope)) + " of " + contract.id() + (augment ? "" : " without changes");
    const auto trained_layer = [scope](const std::string& name) {
      return scope == Scope::kAll || is_last(name);
    };
    network = register_module("network", std::make_shared<NetworkModule>(graph, trained_layer));
  }

  torch::Tensor forward(const std::vector<std::size_t>& chosen, std::uint64_t epoch) override {
    const auto width = static_cast<std::size_t>(contract.crop.width);
    const auto height = static_cast<std::size_t>(contract.crop.height);
    const std::size_t size = width * height * 3;
    std::vector<float> values(chosen.size() * size);
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const Chip& chip = chips[chosen[i]];
      const bool change = augment && epoch > 0;
      standardize(change ? changed(chip, draw_change(seed, epoch, chosen[i])) : chip, contract,
                  /*planes=*/true, std::span(values).subspan(i * size, size));
    }
    const torch::Tensor pictures =
        torch::from_blob(values.data(), {static_cast<std::int64_t>(chosen.size()), 3,
                                         static_cast<std::int64_t>(height), static_cast<std::int64_t>(width)})
            .clone();
    return unit_rows(network->forward(pictures));
  }
  [[nodiscard]] std::size_t rows_at_once() const override { return 16; }
};

}  // namespace

std::string_view to_string(Scope scope) {
  return std::ranges::find(kNames, scope, &std::pair<Scope, std::string_view>::first)->second;
}

std::optional<Scope> scope_from(std::string_view name) {
  const auto* found = std::ranges::find(kNames, name, &std::pair<Scope, std::string_view>::second);
  if (found == kNames.end()) return std::nullopt;
  return found->first;
}

Learner network_learner(const Graph& graph, std::vector<Chip> chips, const Contract& contract, Scope scope,
                        bool augment, std::uint64_t seed) {
  if (scope == Scope::kHead || chips.empty()) {
    throw std::invalid_argument("a network is trained on chips, in the scope last or all");
  }
  auto learner = std::make_unique<NetworkLearner>(graph, std::move(chips), contract, scope, augment, seed);
  if (learner->trained().empty()) throw std::invalid_argument("the network has no layer of this scope");
  return Learner(std::move(learner));
}

Graph graph_of(Learner& learner) {
  const auto* network = dynamic_cast<const NetworkLearner*>(&learner.torch());
  if (network == nullptr) throw std::invalid_argument("this learner trains no network");
  return network->network->graph();
}

}  // namespace likeness::train
