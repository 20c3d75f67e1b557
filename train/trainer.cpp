#include "train/trainer.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "likeness/core/error.h"
#include "likeness/core/sha256.h"
#include "train/checkpoint.h"
#include "train/learner_torch.h"
#include "train/triplet_loss.h"

namespace likeness::train {
namespace {

constexpr std::array<std::pair<Optimizer, std::string_view>, 3> kOptimizers{
    {{Optimizer::kAdaGrad, "adagrad"}, {Optimizer::kAdam, "adam"}, {Optimizer::kSgd, "sgd"}}};
constexpr std::array<std::pair<Schedule, std::string_view>, 3> kSchedules{
    {{Schedule::kConstant, "constant"}, {Schedule::kCosine, "cosine"}, {Schedule::kStep, "step"}}};

template <typename Value, std::size_t n>
std::string_view word_of(const std::array<std::pair<Value, std::string_view>, n>& words, Value value) {
  for (const auto& [candidate, word] : words) {
    if (candidate == value) return word;
  }
  return "";
}

template <typename Value, std::size_t n>
std::optional<Value> value_of(const std::array<std::pair<Value, std::string_view>, n>& words,
                              std::string_view name) {
  for (const auto& [value, word] : words) {
    if (word == name) return value;
  }
  return std::nullopt;
}

void check(const TrainOptions& o) {
  if (!(o.margin > 0 && o.margin < 4)) throw std::invalid_argument("the margin must be in (0, 4)");
  if (!(o.rate > 0 && std::isfinite(o.rate))) throw std::invalid_argument("the rate must be above 0");
  if (!(o.decay >= 0 && std::isfinite(o.decay)))
    throw std::invalid_argument("the decay must not be negative");
  if (!(o.spread >= 0 && std::isfinite(o.spread)))
    throw std::invalid_argument("the spread must not be negative");
  if (o.epochs < 1) throw std::invalid_argument("at least one epoch is needed");
  if (o.patience < 0 || o.checkpoint_steps < 0) throw std::invalid_argument("counts must not be negative");
  if (o.threads < 1) throw std::invalid_argument("at least one thread is needed");
}

/// Every option that decides the numbers, to compare a checkpoint with.
nlohmann::ordered_json json_of(const TrainOptions& o) {
  return {{"mining", to_string(o.mining)},
          {"margin", o.margin},
          {"spread", o.spread},
          {"people", o.batch.people},
          {"photos", o.batch.photos},
          {"strangers", o.batch.strangers},
          {"optimizer", to_string(o.optimizer)},
          {"rate", o.rate},
          {"decay", o.decay},
          {"schedule", to_string(o.schedule)},
          {"epochs", o.epochs},
          {"patience", o.patience},
          {"held-out", o.held_out_share},
          {"seed", o.seed}};
}

double rate_at(const TrainOptions& o, double progress) {
  if (o.schedule == Schedule::kCosine) return o.rate * (1 + std::cos(std::numbers::pi * progress)) / 2;
  if (o.schedule == Schedule::kStep)
    return progress < 0.6 ? o.rate : progress < 0.85 ? o.rate / 10 : o.rate / 100;
  return o.rate;
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const TrainOptions& o,
                                                        std::vector<torch::Tensor> values) {
  using namespace torch::optim;
  if (o.optimizer == Optimizer::kAdaGrad)
    return std::make_unique<Adagrad>(std::move(values), AdagradOptions(o.rate).weight_decay(o.decay));
  if (o.optimizer == Optimizer::kAdam)
    return std::make_unique<AdamW>(std::move(values), AdamWOptions(o.rate).weight_decay(o.decay));
  return std::make_unique<SGD>(std::move(values), SGDOptions(o.rate).momentum(0.9).weight_decay(o.decay));
}

void set_rate(torch::optim::Optimizer& optimizer, double rate) {
  for (auto& group : optimizer.param_groups()) group.options().set_lr(rate);
}

double norm_of_gradients(const std::vector<torch::Tensor>& values) {
  double sum = 0;
  for (const torch::Tensor& value : values) {
    if (value.grad().defined()) sum += value.grad().to(torch::kFloat64).square().sum().item<double>();
  }
  return std::sqrt(sum);
}

/// The numbers of a step, to add up over an epoch and to store.
using Sums = std::array<double, 8>;

Sums numbers_of(const StepReport& s) {
  return {s.loss,         s.hard_loss,           s.gradient_norm,       static_cast<double>(s.triplets),
          s.batch.active, s.batch.mean_positive, s.batch.mean_negative, s.batch.mean_pairwise};
}

StepReport mean_of(const Sums& sums, int steps) {
  const auto at = [&](std::size_t i) { return sums[i] / std::max(steps, 1); };
  return {at(0), at(1), at(2), static_cast<std::size_t>(std::lround(at(3))), {at(4), at(5), at(6), at(7)}};
}

template <typename T>
std::vector<T> select(const std::vector<T>& values, const std::vector<std::size_t>& rows) {
  std::vector<T> chosen;
  chosen.reserve(rows.size());
  for (const std::size_t row : rows) chosen.push_back(values[row]);
  return chosen;
}

std::string fingerprint(const std::vector<int>& people) {
  return sha256(std::as_bytes(std::span(people))).substr(0, 16);
}

}  // namespace

std::string_view to_string(Optimizer optimizer) { return word_of(kOptimizers, optimizer); }
std::optional<Optimizer> optimizer_from(std::string_view name) { return value_of(kOptimizers, name); }
std::string_view to_string(Schedule schedule) { return word_of(kSchedules, schedule); }
std::optional<Schedule> schedule_from(std::string_view name) { return value_of(kSchedules, name); }

struct Trainer::State {
  Learner& learner;
  std::vector<int> people;
  TrainOptions options;
  Split split;
  BatchSampler sampler;
  std::vector<torch::Tensor> values;  // trained
  std::unique_ptr<torch::optim::Optimizer> optimizer;
  CollapseWatch watch;
  EarlyStopping stopping;
  std::vector<torch::Tensor> best;  // the values at the best epoch; empty before there is one
  std::optional<Verification> best_held_out;
  int epoch = 0;  // finished ones
  int step = 0;   // finished ones of the next epoch
  Sums sums{};    // over them
  double rate = 0;

  State(Learner& l, std::vector<int> p, TrainOptions o)
      : learner(l),
        people(std::move(p)),
        options(std::move(o)),
        split(hold_out_people(people, options.held_out_share, options.seed)),
        sampler(split.learning, select(people, split.learning), options.batch, options.seed),
        values(l.torch().trained()),
        optimizer(make_optimizer(options, values)),
        watch(options.margin),
        stopping{options.patience, -1, 0, 0} {
    at::set_num_threads(options.threads);
  }

  StepReport take_step(const std::vector<std::size_t>& rows);
  std::optional<Verification> validate();
  void keep_best(const std::optional<Verification>& held_out);
  void restore_best();
  [[nodiscard]] bool finish_epoch(const TrainEvents& events, std::chrono::steady_clock::time_point begun);
  void save(const TrainEvents& events) const;
  std::string load();
};

StepReport Trainer::State::take_step(const std::vector<std::size_t>& rows) {
  const torch::Tensor embeddings = learner.torch().forward(rows, static_cast<std::uint64_t>(epoch) + 1);
  const torch::Tensor distances = squared_distances(embeddings);
  // Mining looks at the numbers only; rounding can bring a distance of zero below it.
  const torch::Tensor seen = distances.detach().clamp_min(0).contiguous();
  const std::vector<int> labels = select(people, rows);
  const auto triplets = mine_triplets(table_of(seen), labels, options.mining, options.margin);
  const torch::Tensor loss = triplet_loss(distances, triplets, options.margin);
  optimizer->zero_grad();
  torch::Tensor wanted = loss;
  if (options.spread > 0) wanted = loss + options.spread * spread_loss(distances, labels, embeddings.size(1));
  wanted.backward();
  StepReport report;
  report.loss = loss.item<double>();
  const auto hard = mine_triplets(table_of(seen), labels, Mining::kBatchHard, options.margin);
  report.hard_loss = triplet_loss(seen, hard, options.margin).item<double>();
  report.gradient_norm = norm_of_gradients(values);
  report.triplets = triplets.size();
  report.batch = view_batch(table_of(seen), labels, options.margin);
  set_rate(*optimizer, rate);
  // A gradient that is not a number would spoil every weight; the watch is told and stops the training.
  if (std::isfinite(report.gradient_norm)) optimizer->step();
  return report;
}

std::optional<Verification> Trainer::State::validate() {
  if (split.held_out.empty()) return std::nullopt;
  return verify_people(learner.embed(split.held_out), select(people, split.held_out));
}

void Trainer::State::keep_best(const std::optional<Verification>& held_out) {
  best.clear();
  for (const torch::Tensor& value : values) best.push_back(value.detach().clone());
  best_held_out = held_out;
}

void Trainer::State::restore_best() {
  const torch::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < best.size(); ++i) values[i].copy_(best[i]);
}

bool Trainer::State::finish_epoch(const TrainEvents& events, std::chrono::steady_clock::time_point begun) {
  EpochReport report;
  report.mean = mean_of(sums, step);
  report.rate = rate;
  report.held_out = validate();
  report.epoch = ++epoch;
  step = 0;
  sums = {};
  // Accuracy first; among equally accurate ones what decides at a strict threshold.
  const double score = report.held_out ? report.held_out->accuracy + 1e-3 * report.held_out->val : epoch;
  report.best = stopping.add(epoch, score);
  if (report.best) keep_best(report.held_out);
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  if (events.epoch) events.epoch(report);
  if (!options.checkpoint.empty()) save(events);
  return stopping.stop() && report.held_out;
}

void Trainer::State::save(const TrainEvents& events) const {
  nlohmann::ordered_json json{{"architecture", learner.architecture()},
                              {"rows", people.size()},
                              {"data", fingerprint(people)},
                              {"options", json_of(options)},
                              {"epoch", epoch},
                              {"step", step},
                              {"sums", sums},
                              {"watch", watch.steps_in_a_row()},
                              {"best", stopping.best},
                              {"best_epoch", stopping.best_epoch},
                              {"epochs_behind", stopping.epochs_behind},
                              {"note", events.note ? events.note() : ""}};
  if (best_held_out) {
    json["best_held_out"] = {best_held_out->same_pairs, best_held_out->different_pairs,
                             best_held_out->accuracy, best_held_out->val};
  }
  torch::serialize::OutputArchive archive;
  for (std::size_t i = 0; i < values.size(); ++i)
    archive.write("value" + std::to_string(i), values[i].detach());
  for (std::size_t i = 0; i < best.size(); ++i) archive.write("best" + std::to_string(i), best[i]);
  torch::serialize::OutputArchive inner;
  optimizer->save(inner);
  archive.write("optimizer", inner);
  std::ostringstream bytes;
  archive.save_to(bytes);
  write_checkpoint(options.checkpoint, {json.dump(), bytes.str()});
}

std::string Trainer::State::load() {
  const std::string file = options.checkpoint.string();
  const Checkpoint checkpoint = read_checkpoint(options.checkpoint);
  try {
    const auto json = nlohmann::ordered_json::parse(checkpoint.json);
    const auto architecture = json.at("architecture").get<std::string>();
    if (architecture != learner.architecture()) {
      throw Error(ErrorCode::kModelMismatch, file + " is a checkpoint of " + architecture + ", not of " +
                                                 learner.architecture() + "; train again without --resume");
    }
    if (json.at("rows") != people.size() || json.at("data") != fingerprint(people)) {
      throw Error(ErrorCode::kDataInvalid, file + " was made with other training data");
    }
    const auto wanted = json_of(options);
    for (const auto& [name, value] : wanted.items()) {
      if (json.at("options").at(name) == value) continue;
      throw Error(ErrorCode::kDataInvalid, file + " was made with --" + name + " " +
                                               json["options"][name].dump() + ", not " + value.dump());
    }
    epoch = json.at("epoch");
    step = json.at("step");
    sums = json.at("sums");
    watch.restore(json.at("watch"));
    stopping = {options.patience, json.at("best"), json.at("best_epoch"), json.at("epochs_behind")};
    if (json.contains("best_held_out")) {
      const auto& v = json["best_held_out"];
      best_held_out = Verification{v.at(0), v.at(1), v.at(2), v.at(3)};
    }
    torch::serialize::InputArchive archive;
    archive.load_from(checkpoint.archive.data(), checkpoint.archive.size());
    const torch::NoGradGuard no_gradient;
    best.clear();
    for (std::size_t i = 0; i < values.size(); ++i) {
      torch::Tensor value;
      archive.read("value" + std::to_string(i), value);
      values[i].copy_(value);
      if (stopping.best_epoch == 0) continue;
      archive.read("best" + std::to_string(i), value);
      best.push_back(value);
    }
    torch::serialize::InputArchive inner;
    archive.read("optimizer", inner);
    optimizer->load(inner);
    return json.at("note");
  } catch (const nlohmann::json::exception& e) {
    throw Error(ErrorCode::kDataInvalid, file + " is not a checkpoint of this version: " + e.what());
  } catch (const c10::Error& e) {
    throw Error(ErrorCode::kDataInvalid, file + " cannot be read: " + e.what_without_backtrace());
  }
}

Trainer::Trainer(Learner& learner, std::vector<int> people, TrainOptions options) {
  check(options);
  if (people.size() != learner.rows()) throw std::invalid_argument("one person a row is needed");
  state_ = std::make_unique<State>(learner, std::move(people), std::move(options));
}
Trainer::~Trainer() = default;

const Split& Trainer::split() const { return state_->split; }

std::string Trainer::resume() {
  if (state_->options.checkpoint.empty()) throw std::invalid_argument("resuming needs a checkpoint");
  return state_->load();
}

TrainResult Trainer::train(const TrainEvents& events) {
  State& s = *state_;
  TrainResult result;
  // A run that had stopped before it was resumed stays stopped.
  bool stop = s.stopping.stop() && !s.split.held_out.empty();
  while (!stop && s.epoch < s.options.epochs) {
    const auto begun = std::chrono::steady_clock::now();
    const auto batches = s.sampler.epoch(static_cast<std::uint64_t>(s.epoch));
    const auto steps = static_cast<int>(batches.size());
    while (s.step < steps) {
      s.rate = rate_at(s.options, (s.epoch + static_cast<double>(s.step) / steps) / s.options.epochs);
      const StepReport report = s.take_step(batches[static_cast<std::size_t>(s.step)]);
      ++s.step;
      const Sums numbers = numbers_of(report);
      for (std::size_t i = 0; i < numbers.size(); ++i) s.sums[i] += numbers[i];
      if (events.step) events.step(s.epoch + 1, s.step, steps, report);
      if (const auto trouble = s.watch.add(report)) {
        return {Stop::kCollapse, *trouble, s.epoch, s.stopping.best_epoch, s.best_held_out};
      }
      const int every = s.options.checkpoint_steps;
      if (!s.options.checkpoint.empty() && every > 0 && s.step % every == 0 && s.step < steps) s.save(events);
    }
    stop = s.finish_epoch(events, begun);
  }
  s.restore_best();
  result.epochs = s.epoch;
  result.best_epoch = s.stopping.best_epoch;
  result.held_out = s.best_held_out;
  if (s.epoch < s.options.epochs) {
    result.stop = Stop::kNoBetter;
    result.reason = "no better held-out score for " + std::to_string(s.options.patience) + " epochs";
  }
  return result;
}

}  // namespace likeness::train
