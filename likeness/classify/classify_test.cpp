#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <thread>

#include "likeness/classify/classifier.h"
#include "likeness/classify/svm.h"
#include "likeness/core/error.h"
#include "likeness/npz/npz.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

fs::path scratch(const std::string& name) {
  const fs::path folder = fs::path(testing::TempDir()) / ("classify_test_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  return folder / name;
}

struct Photos {
  Embeddings embeddings;
  std::vector<std::string> labels;
};

/// `each` points around a direction of its own for every person; `spread` 0.5 leaves them well apart.
Photos made_up(std::size_t people, std::size_t each, float spread, std::uint32_t seed = 7) {
  constexpr std::size_t kDimension = 16;
  std::mt19937 random(seed);
  Photos photos;
  photos.embeddings.dimension = kDimension;
  for (std::size_t p = 0; p < people; ++p) {
    for (std::size_t i = 0; i < each; ++i) {
      // Names run against the alphabet, so that a classifier that forgot to sort would be seen.
      photos.labels.push_back(std::string(1, static_cast<char>('z' - p)));
      for (std::size_t j = 0; j < kDimension; ++j) {
        const float noise = static_cast<float>(random() % 2001) / 1000.0F - 1.0F;
        photos.embeddings.values.push_back((j == p ? 1.0F : 0.0F) + spread * noise);
      }
    }
  }
  return photos;
}

std::string problem_of(const fs::path& path) {
  try {
    (void)Classifier::read(path);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
    return error.what();
  }
  return "no error";
}

TEST(FitSigmoid, SeparatedValuesEndWhereTheGradientIsZero) {
  const double values[] = {2, 1, -1, -2};
  const char positive[] = {1, 1, 0, 0};
  const Sigmoid sigmoid = fit_sigmoid(values, positive);
  EXPECT_NEAR(sigmoid.offset, 0, 1e-6);
  // The data are symmetric, so half the sum will do: sum of f * (target - p) = 0 with targets 3/4 and 1/4.
  const double gradient = 2 * (0.75 - sigmoid(2)) + 1 * (0.75 - sigmoid(1));
  EXPECT_NEAR(gradient, 0, 1e-6);
  EXPECT_LT(sigmoid.slope, 0);
}

TEST(FitSigmoid, EqualValuesGiveTheShareOfRightAnswers) {
  // Nothing to tell apart: p is the mean of the softened targets 3/4, 3/4, 1/3.
  const double values[] = {1, 1, 1};
  const char positive[] = {1, 1, 0};
  EXPECT_NEAR(fit_sigmoid(values, positive)(1), (0.75 + 0.75 + 1.0 / 3) / 3, 1e-6);
}

TEST(CouplePairs, FindsTheProbabilitiesThatPairsAgreeOn) {
  const std::vector<double> p = {0.5, 0.3, 0.15, 0.05};
  std::vector<double> pairwise(16);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 4; ++j) pairwise[i * 4 + j] = p[i] / (p[i] + p[j]);
  }
  const std::vector<double> coupled = couple_pairs(pairwise, 4);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(coupled[i], p[i], 1e-6);
}

TEST(CouplePairs, TwoClassesKeepTheirPair) {
  const double pairwise[] = {0, 0.8, 0.2, 0};
  EXPECT_NEAR(couple_pairs(pairwise, 2)[0], 0.8, 1e-9);
}

TEST(PutFirst, LeavesAgreementAloneAndLevelsDisagreement) {
  std::vector<double> p = {0.6, 0.3, 0.1};
  put_first(p, 0);
  EXPECT_EQ(p, (std::vector<double>{0.6, 0.3, 0.1}));
  put_first(p, 1);  // (0.6 + 0.3) / 2
  EXPECT_EQ(p[0], p[1]);
  EXPECT_NEAR(p[1], 0.45, 1e-12);
  EXPECT_EQ(p[2], 0.1);
  p = {0.5, 0.4, 0.1};
  put_first(p, 2);  // with 0.5 the mean is 0.3, and 0.4 is above that: all three share a third
  for (const double value : p) EXPECT_NEAR(value, 1.0 / 3, 1e-12);
}

TEST(Svm, IsTheSameBitForBitWithProductsMadeBefore) {
  const Photos photos = made_up(3, 13, 1.0F);
  std::vector<std::int32_t> people;
  for (std::size_t i = 0; i < photos.labels.size(); ++i) people.push_back(static_cast<std::int32_t>(i / 13));
  // Zeros change no sum, but rows of 64 values are more than their number: then products are made before.
  Embeddings wide{64, std::vector<float>(photos.embeddings.size() * 64)};
  for (std::size_t i = 0; i < photos.embeddings.size(); ++i)
    std::ranges::copy(photos.embeddings[i], wide.values.begin() + static_cast<std::ptrdiff_t>(i * 64));
  const SvmSolution narrow = train_svm(photos.embeddings, people, 1, 1e-3),
                    made = train_svm(wide, people, 1, 1e-3);
  EXPECT_GT(made.support.size(), 5U);
  EXPECT_EQ(made.support, narrow.support);
  EXPECT_EQ(made.coefficients, narrow.coefficients);
  EXPECT_EQ(made.intercepts, narrow.intercepts);
  const auto sigmoids = fit_pair_sigmoids(photos.embeddings, people, 1, 1e-3, 5, 0);
  const auto others = fit_pair_sigmoids(wide, people, 1, 1e-3, 5, 0);
  ASSERT_EQ(others.size(), 3U);
  for (std::size_t i = 0; i < others.size(); ++i) {
    for (const double value : {-1.5, 0.0, 0.7}) EXPECT_EQ(others[i](value), sigmoids[i](value));
  }
}

TEST(Dots, AreDotOfEveryRow) {
  const Photos photos = made_up(3, 7, 1.0F);  // 21 rows: whole groups and a rest
  std::vector<double> products(21);
  dots(photos.embeddings, photos.embeddings[4], products);
  for (std::size_t i = 0; i < products.size(); ++i)
    EXPECT_EQ(products[i], dot(photos.embeddings[i], photos.embeddings[4])) << i;
}

TEST(Classifier, LearnsPeopleAndSortsThem) {
  const Photos photos = made_up(4, 6, 0.3F);
  const Classifier classifier = Classifier::train(photos.embeddings, photos.labels, {});
  EXPECT_EQ(classifier.labels(), (std::vector<std::string>{"w", "x", "y", "z"}));
  for (std::size_t i = 0; i < photos.labels.size(); ++i) {
    const Prediction prediction = classifier.predict(photos.embeddings[i]);
    EXPECT_EQ(prediction.label, photos.labels[i]);
    EXPECT_TRUE(prediction.by_votes);
    EXPECT_NEAR(prediction.nearest_cosine, 1, 1e-6);
  }
}

TEST(Classifier, ProbabilitiesNeverPutAnotherPersonFirst) {
  // Spread 2 buries the people in noise, where votes and coupled probabilities often disagree.
  const Photos photos = made_up(5, 8, 2.0F);
  const Classifier classifier = Classifier::train(photos.embeddings, photos.labels, {});
  const Photos others = made_up(5, 100, 2.0F, 99);
  int level = 0;
  for (std::size_t i = 0; i < others.labels.size(); ++i) {
    const Prediction prediction = classifier.predict(others.embeddings[i]);
    const std::vector<double>& p = prediction.probabilities;
    EXPECT_EQ(*std::max_element(p.begin(), p.end()), p[prediction.person]);
    EXPECT_NEAR(std::accumulate(p.begin(), p.end(), 0.0), 1, 1e-9);
    level += std::count(p.begin(), p.end(), p[prediction.person]) > 1 ? 1 : 0;
  }
  EXPECT_GT(level, 0);  // else this test shows nothing
}

TEST(Classifier, BelowFivePhotosTheNearestFaceDecides) {
  Photos photos = made_up(3, 5, 0.3F);
  photos.labels.pop_back();
  photos.embeddings.values.resize(photos.labels.size() * photos.embeddings.dimension);
  const Classifier classifier = Classifier::train(photos.embeddings, photos.labels, {});
  EXPECT_FALSE(classifier.calibrated());
  const Prediction prediction = classifier.predict(photos.embeddings[0]);
  EXPECT_FALSE(prediction.by_votes);
  EXPECT_FALSE(prediction.probability().has_value());
  EXPECT_EQ(prediction.label, "z");
  EXPECT_EQ(prediction.person, prediction.nearest_person);
}

TEST(Classifier, OfMorePeopleThanAnSvmIsForTheNearestFaceDecides) {
  const Photos photos = made_up(4, 5, 0.3F);
  const Classifier few = Classifier::train(photos.embeddings, photos.labels, {}, {.most_people_for_svm = 4});
  EXPECT_TRUE(few.has_svm());
  EXPECT_EQ(few.why_nearest(), "");
  const Classifier many = Classifier::train(photos.embeddings, photos.labels, {}, {.most_people_for_svm = 3});
  EXPECT_FALSE(many.has_svm());
  EXPECT_FALSE(many.calibrated());
  EXPECT_EQ(many.support_vectors(), 0U);
  EXPECT_EQ(
      many.why_nearest(),
      "4 people are too many for an SVM, so there are no probabilities: the nearest known face decides");
  many.write(scratch("many.npz"));
  const Classifier read = Classifier::read(scratch("many.npz"));
  EXPECT_FALSE(read.has_svm());
  EXPECT_EQ(read.labels(), many.labels());
  for (std::size_t i = 0; i < photos.labels.size(); ++i) {
    const Prediction prediction = read.predict(photos.embeddings[i]);
    EXPECT_EQ(prediction.label, photos.labels[i]);
    EXPECT_FALSE(prediction.by_votes);
    EXPECT_EQ(prediction.nearest_cosine, many.predict(photos.embeddings[i]).nearest_cosine);
    EXPECT_TRUE(read.decision_values(photos.embeddings[i]).empty());
  }
  EXPECT_THROW((void)read.predict(std::vector<float>(3)), Error);
}

TEST(Classifier, TheNearestFaceIsComparedAsTheContractSays) {
  // Unit vectors that share (.8, 0, 0); apart from it A is (0, .6, 0), B (0, 0, .6). The query leans to B by
  // .6 * (.28, .96): its cosine to B's face is .64 + .36 * .96, without the shared part .96.
  const Embeddings faces{3, {0.8F, 0.6F, 0, 0.8F, 0, 0.6F}};
  const std::vector<std::string> names{"A", "B"};
  const std::vector<float> query{0.8F, 0.168F, 0.576F};
  EXPECT_NEAR(Classifier::train(faces, names, {}).predict(query).nearest_cosine, 0.9856, 1e-5);
  Contract contract;
  contract.name = "centred";
  contract.network = "net.onnx";
  contract.sha256 = std::string(64, '7');
  contract.dimension = 3;
  contract.centre = {0.8F, 0, 0};
  const auto people = Classifier::train(faces, names, space_of(contract, Precision::kF32));
  EXPECT_NEAR(people.predict(query).nearest_cosine, 0.96, 1e-5);
  const fs::path file = fs::path(testing::TempDir()) / "centred_people.npz";
  people.write(file);
  EXPECT_NEAR(Classifier::read(file).predict(query).nearest_cosine, 0.96, 1e-5);
}

TEST(Classifier, OnePhotoOfEachOfTwoPeopleIsEnough) {
  const Photos photos = made_up(2, 1, 0.1F);
  const Classifier classifier = Classifier::train(photos.embeddings, photos.labels, {});
  EXPECT_EQ(classifier.predict(photos.embeddings[0]).label, "z");
  EXPECT_EQ(classifier.predict(photos.embeddings[1]).label, "y");
}

TEST(Classifier, OnePersonAndWrongDimensionAreErrors) {
  const Photos one = made_up(1, 6, 0.3F);
  EXPECT_THROW((void)Classifier::train(one.embeddings, one.labels, {}), Error);
  const Photos two = made_up(2, 6, 0.3F);
  EXPECT_THROW((void)Classifier::train(two.embeddings, one.labels, {}), std::invalid_argument);
  const Classifier classifier = Classifier::train(two.embeddings, two.labels, {});
  const std::vector<float> longer(17);
  try {
    (void)classifier.predict(longer);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kModelMismatch);
  }
}

TEST(Classifier, SameSeedSameProbabilitiesOtherSeedNot) {
  const Photos photos = made_up(3, 9, 1.0F);
  const auto first = [&](std::uint64_t seed) {
    return Classifier::train(photos.embeddings, photos.labels, {}, {.seed = seed})
        .predict(photos.embeddings[0])
        .probabilities;
  };
  EXPECT_EQ(first(1), first(1));
  EXPECT_NE(first(1), first(2));
}

TEST(Classifier, TrainsInSeveralThreadsAtOnce) {
  const Photos photos = made_up(3, 9, 1.0F);
  std::vector<std::vector<double>> values(4);
  std::vector<std::thread> threads;
  for (auto& own : values) {
    threads.emplace_back([&] {
      own =
          Classifier::train(photos.embeddings, photos.labels, {}).predict(photos.embeddings[0]).probabilities;
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& own : values) EXPECT_EQ(own, values[0]);
}

TEST(ClassifierFile, GivesBackTheSameClassifier) {
  const EmbeddingSpace space{R"({"name":"made up"})", "made up/margin/0123456789ab", "f32"};
  for (const std::size_t each : {3U, 6U}) {
    const Photos photos = made_up(3, each, 1.0F);
    const Classifier written =
        Classifier::train(photos.embeddings, photos.labels, space, {.c = 2, .seed = 1ULL << 63});
    written.write(scratch("people.npz"));
    const Classifier read = Classifier::read(scratch("people.npz"));
    EXPECT_EQ(read.labels(), written.labels());
    EXPECT_EQ(read.space(), space);
    EXPECT_EQ(read.options().seed, 1ULL << 63);
    EXPECT_EQ(read.calibrated(), each >= kMinPhotosForProbability);
    for (std::size_t i = 0; i < photos.labels.size(); ++i) {
      EXPECT_EQ(read.decision_values(photos.embeddings[i]), written.decision_values(photos.embeddings[i]));
      EXPECT_EQ(read.predict(photos.embeddings[i]).probabilities,
                written.predict(photos.embeddings[i]).probabilities);
    }
  }
}

TEST(ClassifierFile, RefusesDamageByFieldName) {
  const std::string model =
      R"({"format":"likeness people","version":1,"labels":["a","b"],"c":1,"tolerance":0.001,)"
      R"("seed":0,"contract":null})";
  using Ints = Array<std::int32_t>;
  const std::vector<NpzMember> good = {text_member("model", model),
                                       {"embeddings", Array<float>{{2, 1}, {1, -1}}},
                                       {"people", Ints{{2}, {0, 1}}},
                                       {"support", Ints{{2}, {0, 1}}},
                                       {"coefficients", Array<double>{{1, 2}, {1, -1}}},
                                       {"intercepts", Array<double>{{1}, {0}}},
                                       {"sigmoids", Array<double>{{1, 2}, {-1, 0}}}};
  const fs::path path = scratch("damaged.npz");
  write_npz(path, good);
  EXPECT_EQ(problem_of(path), "no error");
  const auto replaced = [&](std::string text, const std::string& from, const std::string& to) {
    return text.replace(text.find(from), from.size(), to);
  };
  const std::pair<NpzMember, const char*> cases[] = {
      {text_member("model", "{"), "field model is not"},
      {text_member("model", replaced(model, "version\":1", "version\":2")), "model.version is 2"},
      {text_member("model", replaced(model, "\"a\",\"b\"", "\"b\",\"a\"")),
       "model.labels is not in ascending"},
      {text_member("model", replaced(model, "\"a\",\"b\"", "\"a\"")), "model.labels is not a list of two"},
      {text_member("model", replaced(model, "\"a\",\"b\"", "\"a\",\"b\",\"c\"")),
       "people holds no face of c"},
      {text_member("model", replaced(model, "\"seed\":0", "\"seed\":-1")), "model.seed"},
      {text_member("model", replaced(model, "null", "{}")), "model.contract lacks"},
      {{"embeddings", Array<float>{{2, 1}, {1, NAN}}}, "embeddings holds a value that is not finite"},
      {{"embeddings", Array<float>{{2}, {1, 1}}}, "embeddings is not rows"},
      {{"people", Ints{{2}, {1, 0}}}, "people is not in ascending"},
      {{"people", Ints{{2}, {0, 2}}}, "people holds a number out of range"},
      {{"people", Ints{{3}, {0, 0, 1}}}, "people is not 2 values"},
      {{"support", Ints{{2}, {0, 0}}}, "support is not in ascending"},
      {{"support", Ints{{2}, {-1, 0}}}, "support holds a number out of range"},
      {{"coefficients", Array<double>{{2, 1}, {1, 1}}}, "coefficients is not 1 x 2"},
      {{"intercepts", Array<double>{{2}, {1, 1}}}, "intercepts is not 1 values"},
      {{"sigmoids", Array<double>{{1, 2}, {INFINITY, 0}}}, "sigmoids holds a value that is not finite"}};
  for (const auto& [member, problem] : cases) {
    std::vector<NpzMember> bad = good;
    for (NpzMember& one : bad) {
      if (one.name == member.name) one = member;
    }
    write_npz(path, bad);
    EXPECT_NE(problem_of(path).find(problem), std::string::npos) << problem_of(path);
  }
  write_npz(path, {good[0], good[1], good[2]});  // of too many people for an SVM
  EXPECT_EQ(problem_of(path), "no error");
  write_npz(path, {good[0], good[1], good[2], good[5]});
  EXPECT_NE(problem_of(path).find("support is missing, though intercepts"), std::string::npos);
  write_npz(path, {good[1]});
  EXPECT_NE(problem_of(path).find("holds no trained classifier"), std::string::npos);
}

TEST(Classifier, DecidesAsScikitLearnOnTheTutorialsEmbeddings) {
  // reference/svm_five_celebrity.npz: scikit-learn 1.9.1's SVC(kernel="linear") on the same file.
  const fs::path shared = LIKENESS_SHARED;
  const fs::path embeddings_file = shared / "data/five-celebrity/faces-embeddings.npz";
  const fs::path reference_file = shared / "reference/svm_five_celebrity.npz";
  if (!fs::exists(embeddings_file) || !fs::exists(reference_file)) GTEST_SKIP() << "no " << shared;
  const NpzFile file(embeddings_file);
  const NpzFile reference(reference_file);
  const std::vector<std::string> train_labels = file.strings("arr_1");
  const Classifier classifier = Classifier::train({128, file.get<float>("arr_0").values}, train_labels, {});
  EXPECT_EQ(classifier.labels(), reference.strings("classes"));
  EXPECT_EQ(classifier.support_vectors(), reference.get<std::int32_t>("support").values.size());

  const auto check = [&](const char* rows, const char* labels, const std::string& part, int expected) {
    const Embeddings embeddings{128, file.get<float>(rows).values};
    const std::vector<std::string> truth = file.strings(labels);
    const auto values = reference.get<double>(part + "_decision_ovo").values;
    const auto predicted = reference.get<std::int64_t>(part + "_predict").values;
    double worst = 0;
    int correct = 0;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      const std::vector<double> own = classifier.decision_values(embeddings[i]);
      for (std::size_t pair = 0; pair < own.size(); ++pair) {
        worst = std::max(worst, std::abs(own[pair] - values[i * own.size() + pair]));
      }
      const Prediction prediction = classifier.predict(embeddings[i]);
      EXPECT_EQ(static_cast<std::int64_t>(prediction.person), predicted[i]) << part << " " << i;
      correct += prediction.label == truth[i] ? 1 : 0;
    }
    EXPECT_LT(worst, 1e-5);
    EXPECT_EQ(correct, expected);
    RecordProperty(part + "_worst", std::to_string(worst));
  };
  check("arr_0", "arr_1", "train", 92);
  check("arr_2", "arr_3", "val", 25);
}

}  // namespace
}  // namespace likeness
