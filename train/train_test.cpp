// Everything of the training that needs no libtorch types: mining, batches, watch, checkpoints, whole runs.

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>
#include <set>
#include <string>

#include "likeness/core/error.h"
#include "train/checkpoint.h"
#include "train/generated.h"
#include "train/random.h"
#include "train/trainer.h"

namespace likeness::train {
namespace {

// Two people on a line: A at 0 and 1, B at 1.1 and 3. Squared distances:
//   A0-A1 1, A0-B0 1.21, A0-B1 9, A1-B0 .01, A1-B1 4, B0-B1 3.61
constexpr std::array<float, 16> kLine{0, 1, 1.21F, 9, 1, 0, .01F, 4, 1.21F, .01F, 0, 3.61F, 9, 4, 3.61F, 0};
constexpr std::array<int, 4> kLineLabels{0, 0, 1, 1};
constexpr DistanceTable kLineTable{4, kLine};

using Triplets = std::vector<Triplet>;

TEST(MineTriplets, BatchAllTakesEveryTripletWithALoss) {
  // Margin .5. A0: 1 + .5 > 1.21, not > 9. A1: 1.5 > .01, not > 4. B0: 4.11 > both. B1: 4.11 > 4, not > 9.
  EXPECT_EQ(mine_triplets(kLineTable, kLineLabels, Mining::kBatchAll, .5F),
            (Triplets{{0, 1, 2}, {1, 0, 2}, {2, 3, 0}, {2, 3, 1}, {3, 2, 1}}));
}

TEST(MineTriplets, BatchHardTakesTheNearestNegativeOfEveryAnchor) {
  EXPECT_EQ(mine_triplets(kLineTable, kLineLabels, Mining::kBatchHard, .5F),
            (Triplets{{0, 1, 2}, {1, 0, 2}, {2, 3, 1}, {3, 2, 1}}));
}

TEST(MineTriplets, SemiHardWantsTheNegativeBeyondThePositiveAndInsideTheMargin) {
  // A0: 1.21 is in (1, 1.5). A1: .01 is nearer than the positive, 4 beyond the margin. B1: 4 is in
  // (3.61, 4.11).
  EXPECT_EQ(mine_triplets(kLineTable, kLineLabels, Mining::kSemiHard, .5F), (Triplets{{0, 1, 2}, {3, 2, 1}}));
  EXPECT_TRUE(mine_triplets(kLineTable, kLineLabels, Mining::kSemiHard, .1F).empty());
}

TEST(MineTriplets, AnchorsHaveAPositiveAndSinglesAreOnlyNegatives) {
  constexpr std::array<float, 9> distances{0, 1, 2, 1, 0, 2, 2, 2, 0};
  constexpr std::array<int, 3> labels{0, 0, 1};
  EXPECT_EQ(mine_triplets({3, distances}, labels, Mining::kBatchHard, .2F), (Triplets{{0, 1, 2}, {1, 0, 2}}));
  EXPECT_THROW((void)mine_triplets({2, distances}, labels, Mining::kBatchHard, .2F), std::invalid_argument);
}

TEST(MineTriplets, NamesComeBack) {
  for (const Mining mining : {Mining::kBatchAll, Mining::kBatchHard, Mining::kSemiHard}) {
    EXPECT_EQ(mining_from(to_string(mining)), mining);
  }
  EXPECT_FALSE(mining_from("hardest"));
}

TEST(ViewBatch, GivesMeansAndTheShareOfActiveTriplets) {
  const BatchView view = view_batch(kLineTable, kLineLabels, .5F);
  EXPECT_NEAR(view.mean_positive, (1 + 3.61) / 2, 1e-6);
  EXPECT_NEAR(view.mean_negative, (1.21 + 9 + .01 + 4) / 4, 1e-6);
  EXPECT_NEAR(view.mean_pairwise, (1 + 3.61 + 1.21 + 9 + .01 + 4) / 6, 1e-6);
  EXPECT_NEAR(view.active, 5.0 / 8, 1e-9);  // the five of batch-all, of eight
}

// Eight people: 0 to 5 with three photos, 6 and 7 with one.
std::vector<int> some_people() {
  std::vector<int> people;
  for (int person = 0; person < 6; ++person) people.insert(people.end(), 3, person);
  people.insert(people.end(), {6, 7});
  return people;
}

TEST(HoldOutPeople, NobodyIsOnBothSides) {
  const auto people = some_people();
  const Split split = hold_out_people(people, .4, 1);
  std::set<int> learning;
  for (const std::size_t row : split.learning) learning.insert(people[row]);
  for (const std::size_t row : split.held_out) EXPECT_FALSE(learning.contains(people[row]));
  EXPECT_EQ(split.learning.size() + split.held_out.size(), people.size());
  EXPECT_EQ(split.held_out.size(), 2U * 3 + 1);  // round(.4 * 6) people and round(.4 * 2) singles
  EXPECT_EQ(hold_out_people(people, .4, 1).held_out, split.held_out);
  EXPECT_TRUE(hold_out_people(people, 0, 1).held_out.empty());
  EXPECT_TRUE(hold_out_people({0, 0, 1, 1, 2, 2}, .4, 1).held_out.empty()) << "would leave one person";
}

std::string message_of(const std::vector<int>& people) {
  try {
    (void)hold_out_people(people, .1, 1);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kDataInvalid);
    return e.what();
  }
  return "";
}

TEST(HoldOutPeople, SaysWhatIsMissing) {
  EXPECT_NE(message_of({0, 0, 0}).find("at least two people, found 1"), std::string::npos);
  EXPECT_NE(message_of({}).find("found 0"), std::string::npos);
  EXPECT_NE(message_of({0, 0, 1, 2}).find("2 have only one photo"), std::string::npos);
}

TEST(BatchSampler, EveryPersonComesOnceAnEpochWithSomeOfTheirPhotos) {
  const auto people = some_people();
  std::vector<std::size_t> rows(people.size());
  std::iota(rows.begin(), rows.end(), 0);
  const BatchSampler sampler(rows, people, {.people = 2, .photos = 2, .strangers = 1}, 7);
  const auto batches = sampler.epoch(0);
  EXPECT_EQ(batches.size(), 3U);
  std::map<int, int> photos;
  for (const auto& batch : batches) {
    EXPECT_EQ(batch.size(), 5U);
    EXPECT_EQ(std::set<std::size_t>(batch.begin(), batch.end()).size(), 5U);
    for (const std::size_t row : batch) ++photos[people[row]];
  }
  for (int person = 0; person < 6; ++person) EXPECT_EQ(photos[person], 2);
  EXPECT_EQ(photos[6] + photos[7], 3);
  EXPECT_EQ(sampler.epoch(0), batches);
  EXPECT_NE(sampler.epoch(1), batches);
  EXPECT_THROW(BatchSampler(rows, people, {.people = 1}, 7), std::invalid_argument);
}

TEST(Random, IsTheSameEverywhereAndFair) {
  // First words of xoshiro256** after this seeding, from an independent implementation in Python.
  Random random({1, 2});
  EXPECT_EQ(random.next(), 0x9f0b1e7ea7c98bcbU);
  double sum = 0;
  double squares = 0;
  std::array<int, 3> counts{};
  for (int i = 0; i < 30000; ++i) {
    const double value = random.normal();
    sum += value;
    squares += value * value;
    ++counts[random.below(3)];
  }
  EXPECT_NEAR(sum / 30000, 0, .03);
  EXPECT_NEAR(squares / 30000, 1, .05);
  for (const int count : counts) EXPECT_NEAR(count, 10000, 400);
}

TEST(CollapseWatch, NeedsAllSignsForSomeSteps) {
  CollapseWatch watch(.2F);
  StepReport step;
  step.loss = step.hard_loss = .2;
  step.batch.mean_pairwise = 1e-4;
  for (int i = 1; i < CollapseWatch::kPatience; ++i) EXPECT_FALSE(watch.add(step));
  const auto said = watch.add(step);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->find("collapse"), 0U) << *said;
  StepReport healthy = step;
  healthy.batch.mean_pairwise = 1.5;
  EXPECT_FALSE(watch.add(healthy));
  EXPECT_FALSE(watch.add(step)) << "counting begins anew";
  StepReport spoilt;
  spoilt.loss = std::nan("");
  ASSERT_TRUE(watch.add(spoilt));
  EXPECT_EQ(watch.add(spoilt)->find("diverged"), 0U);
}

TEST(EarlyStopping, CountsEpochsSinceTheBest) {
  EarlyStopping stopping{2, -1, 0, 0};
  EXPECT_TRUE(stopping.add(1, .8));
  EXPECT_TRUE(stopping.add(2, .9));
  EXPECT_FALSE(stopping.add(3, .9));
  EXPECT_FALSE(stopping.stop());
  EXPECT_FALSE(stopping.add(4, .85));
  EXPECT_TRUE(stopping.stop());
  EXPECT_EQ(stopping.best_epoch, 2);
}

TEST(VerifyPeople, KnowsPerfectAndUselessEmbeddings) {
  Embeddings perfect{2, {1, 0, 1, 0, 0, 1, 0, 1, -1, 0, -1, 0, 0, -1, 0, -1}};
  const std::vector<int> people{0, 0, 1, 1, 2, 2, 3, 3};
  const Verification good = verify_people(perfect, people);
  EXPECT_EQ(good.same_pairs, 4U);
  EXPECT_EQ(good.different_pairs, 24U);
  EXPECT_DOUBLE_EQ(good.accuracy, 1);
  EXPECT_DOUBLE_EQ(good.val, 1);
  Embeddings alike{2, {}};
  for (int i = 0; i < 8; ++i) alike.values.insert(alike.values.end(), {1, 0});
  const Verification bad = verify_people(alike, people);
  EXPECT_DOUBLE_EQ(bad.accuracy, .5);
  EXPECT_DOUBLE_EQ(bad.val, 0);
}

class Training : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("likeness_train_test_" + std::to_string(::getpid()));
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static GeneratedSet people(std::uint64_t seed, int count = 60) {
    return generate_people({.people = count, .photos = 6, .dimension = 64, .identity = 6, .seed = seed});
  }
  static Learner new_learner(const GeneratedSet& set) {
    return head_learner(set.vectors, random_projection(std::vector<float>(64), 16, 3));
  }
  static TrainOptions short_run() {
    TrainOptions options;
    options.batch = {.people = 12, .photos = 4, .strangers = 0};
    options.epochs = 6;
    options.rate = .01;
    return options;
  }

  std::filesystem::path folder_;
};

// The whole of what a run says, to the last bit.
std::string history(Learner& learner, const GeneratedSet& set, const TrainOptions& options, bool resume,
                    std::vector<float>* weights) {
  std::string text;
  Trainer trainer(learner, set.people, options);
  if (resume) text = trainer.resume();
  TrainEvents events;
  events.epoch = [&text](const EpochReport& report) {
    char line[200];
    std::snprintf(line, sizeof line, "%d %a %a %a %a %d\n", report.epoch, report.mean.loss,
                  report.mean.gradient_norm, report.held_out->accuracy, report.rate, report.best ? 1 : 0);
    text += line;
  };
  events.note = [&text] { return text; };
  (void)trainer.train(events);
  *weights = projection_of(learner).matrix;
  return text;
}

TEST_F(Training, ResumedAfterKillContinuesToTheSameNumbers) {
  const GeneratedSet set = people(1);
  TrainOptions options = short_run();
  options.checkpoint = folder_ / "state";
  options.checkpoint_steps = 1;
  std::vector<float> expected;
  Learner whole = new_learner(set);
  const std::string told = history(whole, set, options, false, &expected);
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 6);

  // The same in another process that kills itself in the middle of the fourth epoch.
  std::filesystem::remove(options.checkpoint);
  const pid_t child = ::fork();
  if (child == 0) {
    Learner learner = new_learner(set);
    Trainer trainer(learner, set.people, options);
    std::string text;
    TrainEvents events;
    events.step = [](int epoch, int step, int, const StepReport&) {
      if (epoch == 4 && step == 3) ::kill(::getpid(), SIGKILL);
    };
    (void)trainer.train(events);
    ::_exit(0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

  std::vector<float> weights;
  Learner resumed = new_learner(set);
  const std::string rest = history(resumed, set, options, true, &weights);
  EXPECT_EQ(std::count(rest.begin(), rest.end(), '\n'), 3);
  EXPECT_TRUE(told.ends_with(rest)) << told << "---\n" << rest;
  EXPECT_EQ(weights, expected);
}

ErrorCode code_of(Learner& learner, const GeneratedSet& set, const TrainOptions& options,
                  std::string* message) {
  try {
    Trainer trainer(learner, set.people, options);
    (void)trainer.resume();
  } catch (const Error& e) {
    *message = e.what();
    return e.code();
  }
  ADD_FAILURE() << "expected an Error";
  return ErrorCode::kUnavailable;
}

TEST_F(Training, RefusesCheckpointsThatDoNotBelong) {
  const GeneratedSet set = people(1, 12);
  TrainOptions options = short_run();
  options.epochs = 1;
  options.checkpoint = folder_ / "state";
  std::string message;
  Learner learner = new_learner(set);
  EXPECT_EQ(code_of(learner, set, options, &message), ErrorCode::kInputUnreadable);
  std::vector<float> weights;
  (void)history(learner, set, options, false, &weights);

  Learner other = head_learner(set.vectors, random_projection(std::vector<float>(64), 8, 3));
  EXPECT_EQ(code_of(other, set, options, &message), ErrorCode::kModelMismatch);
  EXPECT_NE(message.find("checkpoint of head 64-16, not of head 64-8"), std::string::npos) << message;

  TrainOptions changed = options;
  changed.margin = .3F;
  EXPECT_EQ(code_of(learner, set, changed, &message), ErrorCode::kDataInvalid);
  EXPECT_NE(message.find("--margin"), std::string::npos) << message;

  std::string bytes;
  {
    std::ifstream file(options.checkpoint, std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(file), {});
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{30}, bytes.size() / 2, bytes.size() - 1}) {
    std::ofstream(options.checkpoint, std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(size));
    EXPECT_EQ(code_of(learner, set, options, &message), ErrorCode::kDataInvalid) << size;
  }
  bytes[bytes.size() / 2] ^= 1;
  std::ofstream(options.checkpoint, std::ios::binary) << bytes;
  EXPECT_EQ(code_of(learner, set, options, &message), ErrorCode::kDataInvalid);
  EXPECT_NE(message.find("checksum"), std::string::npos) << message;
}

TEST_F(Training, KeepsTheLastCheckpointWhenTheDiskIsFull) {
  std::signal(SIGXFSZ, SIG_IGN);
  write_checkpoint(folder_ / "state", {"{}", "old"});
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1000, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_THROW(write_checkpoint(folder_ / "state", {"{}", std::string(5000, 'x')}), Error);
  ::setrlimit(RLIMIT_FSIZE, &before);
  EXPECT_EQ(read_checkpoint(folder_ / "state").archive, "old");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(Training, LearnsIdentityOutOfNuisance) {
  // Identity lives in 8 of 512 dimensions; each of the other 504 has 1.2 times as much nuisance.
  const GeneratedOptions options{.people = 600, .photos = 8, .nuisance = 1.2};
  const GeneratedSet learning = generate_people(options);
  GeneratedOptions unseen = options;
  unseen.people = 60;
  unseen.seed = 2;
  const GeneratedSet strangers = generate_people(unseen);
  const Projection start = random_projection(std::vector<float>(512), 32, 1);
  const double before = verify_people(project(start, strangers.vectors), strangers.people).accuracy;
  Learner learner = head_learner(learning.vectors, start);
  TrainOptions run;
  run.mining = Mining::kBatchAll;
  run.rate = .01;
  run.epochs = 25;
  Trainer trainer(learner, learning.people, run);
  const TrainResult result = trainer.train();
  const double after =
      verify_people(project(projection_of(learner), strangers.vectors), strangers.people).accuracy;
  RecordProperty("untrained", std::to_string(before));
  RecordProperty("trained", std::to_string(after));
  EXPECT_LE(before, .60);
  EXPECT_GE(after, .95);
  EXPECT_NE(result.stop, Stop::kCollapse) << result.reason;
}

TEST_F(Training, NamesAPlantedCollapse) {
  // A projection of zeros and one bias: every face gets the same embedding.
  const GeneratedSet set = people(1);
  Projection flat = random_projection(std::vector<float>(64), 16, 3);
  std::fill(flat.matrix.begin(), flat.matrix.end(), 0.0F);
  flat.bias[0] = 1;
  for (const Mining mining : {Mining::kBatchAll, Mining::kBatchHard, Mining::kSemiHard}) {
    Learner learner = head_learner(set.vectors, flat);
    TrainOptions options = short_run();
    options.mining = mining;
    options.rate = 1e-6;
    const TrainResult result = Trainer(learner, set.people, options).train();
    EXPECT_EQ(result.stop, Stop::kCollapse);
    EXPECT_EQ(result.reason.find("collapse"), 0U) << result.reason;
  }
}

TEST_F(Training, NamesARealCollapse) {
  // Batch-hard on strong nuisance at a high rate: no negative is farther than the farthest positive, and the
  // quickest way down to the margin is one embedding for all. Hermans et al. 2017 saw the same.
  const GeneratedSet set = generate_people({.people = 60, .photos = 6, .nuisance = 4, .offset = 8});
  Learner learner = head_learner(set.vectors, random_projection(std::vector<float>(512), 16, 3));
  TrainOptions options = short_run();
  options.mining = Mining::kBatchHard;
  options.margin = 1;
  options.rate = .3;
  options.optimizer = Optimizer::kSgd;
  options.schedule = Schedule::kConstant;
  options.epochs = 200;
  options.patience = 0;
  StepReport first;
  TrainEvents events;
  events.step = [&first](int epoch, int step, int, const StepReport& report) {
    if (epoch == 1 && step == 1) first = report;
  };
  const TrainResult result = Trainer(learner, set.people, options).train(events);
  EXPECT_GT(first.batch.mean_pairwise, .1) << "it was not collapsed from the start";
  EXPECT_EQ(result.stop, Stop::kCollapse);
  EXPECT_EQ(result.reason.find("collapse"), 0U) << result.reason;
}

TEST_F(Training, RefusesOptionsOutOfRange) {
  const GeneratedSet set = people(1, 12);
  Learner learner = new_learner(set);
  const auto refuse = [&](auto change) {
    TrainOptions options = short_run();
    change(options);
    EXPECT_THROW(Trainer(learner, set.people, options), std::invalid_argument);
  };
  refuse([](TrainOptions& o) { o.margin = 0; });
  refuse([](TrainOptions& o) { o.rate = -1; });
  refuse([](TrainOptions& o) { o.epochs = 0; });
  refuse([](TrainOptions& o) { o.batch.photos = 1; });
  refuse([](TrainOptions& o) { o.held_out_share = 1; });
}

}  // namespace
}  // namespace likeness::train
