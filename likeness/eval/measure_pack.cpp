#include "likeness/eval/measure_pack.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string_view>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error.h"
#include "likeness/embed/centre_pack.h"
#include "likeness/embed/comparison.h"
#include "likeness/eval/gallery_trials.h"
#include "likeness/report/numbers.h"

namespace likeness {
namespace {

constexpr std::array kRates{0.01, 0.001, 0.0001, 0.00001, 0.000003};
constexpr double kJudgedRate = 0.001;  // of centres
constexpr int kSlopeTrials = 5;
// The slope does not depend on the rate aimed at; this one asks for no more than 30 strangers.
constexpr double kSlopeFpir = 0.1;

void require_of(const ModelPack& pack, const People& people) {
  const Contract theirs = contract_from_json(people.contract, people.source);
  if (theirs.id() != pack.contract.id()) {
    throw Error(ErrorCode::kModelMismatch,
                people.source + " was embedded by " + theirs.id() + ", not by " + pack.contract.id());
  }
  require_pairs_fit(people);
}

/// Every second person, beginning with the first or the second.
People half_of(const People& people, bool second) {
  const std::set<std::string> names(people.people.begin(), people.people.end());
  std::vector<std::string> others;
  bool leave = second;
  for (const std::string& name : names) {
    if (leave) others.push_back(name);
    leave = !leave;
  }
  People half = people;
  leave_aside(half, others);
  return half;
}

/// Fills the two VALs in where the halves have enough pairs for them.
void judge_centre(const Contract& contract, const People& people, MeasuredPack& result) {
  std::array<People, 2> halves{half_of(people, false), half_of(people, true)};
  double plain = 0, centred = 0;
  if (halves[0].size() == 0 || halves[1].size() == 0) return;
  const std::array means{mean_embedding(halves[0].embeddings), mean_embedding(halves[1].embeddings)};
  for (std::size_t i = 0; i < 2; ++i) {
    Contract other = contract;
    other.centre = means[1 - i];
    Embeddings& faces = halves[i].embeddings;
    const auto as_is = validation_rate(compare_all_pairs(halves[i]), kJudgedRate);
    faces = Comparison(other).comparable(std::move(faces));
    const auto moved = validation_rate(compare_all_pairs(halves[i]), kJudgedRate);
    if (!as_is || !moved) return;
    plain += *as_is / 2;
    centred += *moved / 2;
  }
  result.plain_val = plain;
  result.centred_val = centred;
}

/// Rounded up, so that the rate stays what it says.
double to_four_digits(double cosine) { return std::stod(rounded_up(cosine)); }

/// The least rate that so many pairs support, rounded up to two digits: a large gallery asks for it.
double least_rate(std::int64_t pairs) {
  double digits = 10 / static_cast<double>(pairs);
  int exponent = 0;
  for (; digits < 10; digits *= 10) --exponent;
  return std::stod(std::to_string(static_cast<int>(std::ceil(digits))) + "e" + std::to_string(exponent));
}

void find_thresholds(const People& people, const MeasureOptions& options, MeasuredPack& result) {
  const Comparisons pairs = compare_all_pairs(people);
  result.pairs = static_cast<std::int64_t>(pairs.non_mated.size());
  const auto add = [&](double rate) {
    const auto cosine = threshold_at_rate(pairs.non_mated, rate);
    // Over 1 where more pairs than the rate allows are one picture under two names: nothing is refused there.
    const double threshold = cosine ? to_four_digits(*cosine) : 2;
    if (threshold > 1) {
      result.unsupported.push_back(rate);
      return;
    }
    result.thresholds.push_back(
        {threshold, rate, std::string(to_string(options.precision)), options.origin, result.pairs});
  };
  for (const double rate : kRates) add(rate);
  if (result.thresholds.empty()) {
    const std::size_t needed = comparisons_needed(kRates[0]);
    throw Error(ErrorCode::kDataInvalid,
                pairs.non_mated.size() < needed
                    ? people.source + ": a threshold needs " + std::to_string(needed) +
                          " pairs of two people, and there are " + std::to_string(pairs.non_mated.size())
                    : people.source + ": no threshold tells its people apart; too many pairs of two people " +
                          "are one picture");
  }
  const double strictest = least_rate(result.pairs);
  if (strictest < 0.9 * result.thresholds.back().false_match_rate) add(strictest);
}

void find_slope(const People& people, const Progress& progress, MeasuredPack& result) {
  std::optional<double> found;
  try {
    found = enrol_and_ask(people, {.target_fpir = kSlopeFpir, .trials = kSlopeTrials, .fit_slope = true},
                          progress)
                .slope;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kDataInvalid) throw;
    result.no_slope = error.what();
    return;
  }
  if (!found) {
    result.no_slope = "fewer than " + std::to_string(kMinMates) + " faces of people with two photos or more";
    return;
  }
  const double slope = std::round(*found * 10) / 10;
  if (!(slope > 0 && slope <= kSteepestSlope)) {
    result.no_slope = "the one found, " + fixed(slope, 1) + ", is not above 0 and at most " +
                      std::to_string(static_cast<int>(kSteepestSlope));
    return;
  }
  result.slope = slope;
}

}  // namespace

MeasuredPack measure_pack(const ModelPack& pack, const People& people, const MeasureOptions& options,
                          const Progress& progress) {
  require_of(pack, people);
  MeasuredPack result;
  result.pack = pack;
  Contract& contract = result.pack.contract;
  const bool fresh = contract.thresholds.empty() && contract.centre.empty() && !contract.compact();
  if (options.centre && fresh) judge_centre(contract, people, result);
  if (result.centred_val && *result.centred_val > *result.plain_val)
    result.pack = centred(pack, people.embeddings);

  People comparable = people;
  comparable.contract = to_json(contract);
  if (options.precision == Precision::kF32) find_slope(comparable, progress, result);
  make_comparable(comparable);
  find_thresholds(comparable, options, result);
  result.faces = people.size();
  result.people = std::set(people.people.begin(), people.people.end()).size();

  const std::string_view measured = to_string(options.precision);
  std::erase_if(contract.thresholds, [&](const KnownThreshold& t) { return t.precision == measured; });
  const auto f32_first =
      options.precision == Precision::kF32 ? contract.thresholds.begin() : contract.thresholds.end();
  contract.thresholds.insert(f32_first, result.thresholds.begin(), result.thresholds.end());
  if (result.slope) contract.naming_slope = result.slope;
  // What cannot be read back would take the pack away from its user.
  (void)contract_from_json(to_json(contract), "what was measured");
  write_file(result.pack.folder / "model.json", to_json(result.pack));
  result.pack = load_pack(result.pack.folder);
  return result;
}

}  // namespace likeness
