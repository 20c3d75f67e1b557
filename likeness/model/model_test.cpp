#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <string>

#include "likeness/core/atomic_file.h"
#include "likeness/core/error_testing.h"
#include "likeness/core/sha256.h"
#include "likeness/model/contract.h"
#include "likeness/model/model_pack.h"

namespace likeness {
namespace {

namespace fs = std::filesystem;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const auto place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

Contract some_contract() {
  Contract contract;
  contract.name = "somebody";
  contract.network = "net.onnx";
  contract.sha256 = std::string(64, '7');
  contract.channels = ChannelOrder::kBgr;
  contract.crop.profile = CropProfile::kAligned;
  contract.crop.width = contract.crop.height = 112;
  contract.dimension = 64;
  contract.thresholds = {{0.45, 1e-3, "f32", "LFW view 1"}};
  return contract;
}

TEST(Contract, ComesBackFromItsJson) {
  const Contract contract = some_contract();
  EXPECT_EQ(contract_from_json(to_json(contract), "test"), contract);
  EXPECT_NE(to_json(contract).find("\"grow\": 1.2,"), std::string::npos) << to_json(contract);
}

TEST(Contract, OfHostileTextIsRefused) {
  const auto problem = [](const std::string& text) {
    return message(ErrorCode::kModelInvalid, [&] { (void)contract_from_json(text, "x.json"); });
  };
  EXPECT_EQ(problem(std::string(1000000, '[')), "x.json is nested over 64 deep");
  EXPECT_EQ(problem("{\"dimension\": 1e999}"), "x.json is not JSON: a number is too large");
}

TEST(Contract, CompactFormsAreSpacesOfTheirOwn) {
  const Contract contract = some_contract();
  EXPECT_EQ(to_json(contract).find("projection"), std::string::npos);  // older packs keep their text
  Contract bytes = contract;
  bytes.values = ValueFormat::kInt8;
  Contract projected = contract;
  projected.projection = ProjectionFile{"projection.npz", std::string(64, '1'), 512};
  EXPECT_EQ(projected.network_dimension(), 512);
  EXPECT_EQ(bytes.network_dimension(), 64);
  for (const Contract& one : {bytes, projected}) {
    EXPECT_EQ(contract_from_json(to_json(one), "test"), one);
    EXPECT_NE(one.id(), contract.id());
  }
  Contract renamed = projected;
  renamed.projection->file = "other.npz";
  EXPECT_EQ(renamed.id(), projected.id());
  renamed.projection->sha256[0] = '2';
  EXPECT_NE(renamed.id(), projected.id());
}

TEST(Contract, ACentreIsAWayOfComparingOfItsOwn) {
  const Contract contract = some_contract();
  Contract centred = contract;
  centred.centre.assign(64, -0.012345F);
  EXPECT_EQ(contract_from_json(to_json(centred), "test"), centred);
  EXPECT_EQ(centred.metric(), "centred cosine");
  EXPECT_NE(centred.id(), contract.id());
  // What the network gives is the same; thresholds that hold with the centre do not hold without it.
  EXPECT_EQ(centred.of_network().id(), contract.of_network().id());
  EXPECT_TRUE(centred.of_network().thresholds.empty());
  const auto problem = [](const std::string& text) {
    return message(ErrorCode::kModelInvalid, [&] { (void)contract_from_json(text, "x.json"); });
  };
  const std::string json = to_json(centred);
  const std::string asked =
      "x.json has a field \"centre\" that is not 64 numbers from -1 to 1, one space between two";
  EXPECT_EQ(problem(replaced(json, "-0.012345 ", "")), asked);
  EXPECT_EQ(problem(replaced(json, "\"-0.012345 ", "\"0.5 -0.012345 ")), asked);
  EXPECT_EQ(problem(replaced(json, "-0.012345 ", "nan ")), asked);
  EXPECT_EQ(problem(replaced(json, "-0.012345 ", "2 ")), asked);
  EXPECT_EQ(problem(replaced(json, "-0.012345 ", "-0.012345,")), asked);
  EXPECT_EQ(problem(replaced(json, "\"centred cosine\"", "\"cosine\"")).substr(0, 36),
            "x.json has a field \"metric\" that is ");
}

TEST(Contract, MaySayHowCloselyFacesAreLinked) {
  Contract contract = some_contract();
  const std::string id = contract.id();
  contract.strangers_links = 0.015625;
  EXPECT_EQ(contract_from_json(to_json(contract), "test"), contract);
  EXPECT_EQ(contract.id(), id);
  EXPECT_EQ(
      message(ErrorCode::kModelInvalid,
              [&] { (void)contract_from_json(replaced(to_json(contract), "0.015625", "0"), "x.json"); }),
      "x.json has a field \"strangers_links\" that is not a number of links a face, above 0");
}

TEST(Contract, MaySayHowSureNamesAre) {
  Contract contract = some_contract();
  const std::string id = contract.id();
  contract.naming_slope = 44.5;
  EXPECT_EQ(contract_from_json(to_json(contract), "test"), contract);
  EXPECT_EQ(contract.id(), id);
  EXPECT_EQ(message(ErrorCode::kModelInvalid,
                    [&] { (void)contract_from_json(replaced(to_json(contract), "44.5", "0"), "x.json"); }),
            "x.json has a field \"naming_slope\" that is not above 0 and at most 1000");
}

TEST(Contract, PlacesOfLandmarksAreASpaceOfTheirOwn) {
  Contract contract = some_contract();
  const std::string id = contract.id();
  EXPECT_EQ(to_json(contract).find("places"), std::string::npos);  // older packs keep their text
  contract.crop.places = {{{1.5F, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}};
  EXPECT_EQ(contract_from_json(to_json(contract), "test"), contract);
  EXPECT_NE(contract.id(), id);
  EXPECT_EQ(message(ErrorCode::kModelInvalid,
                    [&] { (void)contract_from_json(replaced(to_json(contract), "1.5 2", "1.5"), "x.json"); }),
            "x.json has a field \"crop.places\" that is not 10 numbers from -4096 to 4096, one space between "
            "two");
  // Only faces brought to places have some.
  contract.crop.profile = CropProfile::kMargin;
  Contract without = contract;
  without.crop.places.reset();
  EXPECT_EQ(contract.id(), without.id());
}

TEST(Contract, ErrorsNameTheField) {
  const std::string json = to_json(some_contract());
  const auto problem = [](const std::string& text) {
    return message(ErrorCode::kModelInvalid, [&] { (void)contract_from_json(text, "x.json"); });
  };
  EXPECT_EQ(problem(replaced(json, "\"profile\"", "\"profil\"")),
            "x.json has a field \"crop.profil\" that this version does not know");
  EXPECT_EQ(problem(replaced(json, "\"width\": 112,", "")), "x.json has no field \"crop.width\"");
  EXPECT_EQ(problem(replaced(json, "\"width\": 112", "\"width\": 0")),
            "x.json has a field \"crop.width\" that is not a whole number from 1 to 4096");
  EXPECT_EQ(problem(replaced(json, "\"dimension\": 64", "\"dimension\": 18446744073709551615")),
            "x.json has a field \"dimension\" that is not a whole number from 1 to 65536");
  EXPECT_EQ(problem(replaced(json, "\"cosine\": 0.45", "\"cosine\": 7")),
            "x.json has a field \"thresholds[0].cosine\" that is not from -1 to 1");
  EXPECT_EQ(problem("[1, 2]"), "x.json is not a JSON object");
  EXPECT_EQ(problem("{\"a\": }"), "x.json is not JSON: mistake at byte 7");
}

TEST(Contract, IdChangesWithWhatChangesTheNumbersOnly) {
  const Contract contract = some_contract();
  Contract other = contract;
  other.source = "elsewhere";
  other.thresholds.clear();
  EXPECT_EQ(other.id(), contract.id());
  EXPECT_EQ(contract.id().substr(0, 17), "somebody/aligned/");

  other.crop.grow = 1.5F;  // read by the margin profile alone
  EXPECT_EQ(other.id(), contract.id());
  other.crop.profile = CropProfile::kMargin;
  EXPECT_NE(other.id(), contract.id());
  other = contract;
  other.channels = ChannelOrder::kRgb;
  EXPECT_NE(other.id(), contract.id());
  other = contract;
  other.sha256[0] = '8';
  EXPECT_NE(other.id(), contract.id());
}

class PackTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = fs::path(testing::TempDir()) / testing::UnitTest::GetInstance()->current_test_info()->name();
    fs::remove_all(root_);
    fs::create_directories(root_ / "somebody");
    write_file(root_ / "somebody" / "net.onnx", "weights");
    ModelPack pack{.folder = root_ / "somebody"};
    pack.contract = some_contract();
    pack.files = {{"net.onnx", 7, sha256_file(root_ / "somebody" / "net.onnx")}};
    json_ = to_json(pack);
    write_file(root_ / "somebody" / "model.json", json_);
  }
  void TearDown() override { fs::remove_all(root_); }
  fs::path root_;
  std::string json_;
};

TEST_F(PackTest, IsFoundByNameAndByPath) {
  EXPECT_EQ(find_pack("somebody", {"/nowhere", root_}).contract, some_contract());
  EXPECT_EQ(find_pack((root_ / "somebody").string(), {}).contract, some_contract());
  EXPECT_EQ(list_packs({root_, root_}).size(), 1U);
}

TEST_F(PackTest, MissingOneSaysWhereItWasLookedFor) {
  EXPECT_EQ(message(ErrorCode::kModelNotFound,
                    [&] {
                      (void)find_pack("nobody", {"/nowhere", "/there"});
                    }),
            "no model pack \"nobody\" in /nowhere, /there");
  EXPECT_EQ(message(ErrorCode::kModelNotFound, [&] { (void)find_pack("nobody", {}); }),
            "no model pack \"nobody\", for no folder of models was given");
}

TEST_F(PackTest, TellsWhatItWasMeasuredToBeWorth) {
  ModelPack pack = load_pack(root_ / "somebody");
  EXPECT_TRUE(pack.figures.empty());
  pack.figures = {{"accuracy", 0.875, "by hand"}};
  const std::string json = to_json(pack);
  write_file(root_ / "somebody" / "model.json", json);
  const auto figures = load_pack(root_ / "somebody").figures;
  ASSERT_EQ(figures.size(), 1U);
  EXPECT_EQ(figures[0].name + " " + std::to_string(figures[0].value) + " " + figures[0].origin,
            "accuracy 0.875000 by hand");
  write_file(root_ / "somebody" / "model.json", replaced(json, "\"accuracy\"", "\"beauty\""));
  const std::string text = message(ErrorCode::kModelInvalid, [&] { (void)load_pack(root_ / "somebody"); });
  EXPECT_NE(text.find("figures[0].figure\" that is not accuracy, val_at_far_0.001"), std::string::npos)
      << text;
}

TEST_F(PackTest, WithOneByteChangedFailsVerificationByName) {
  const ModelPack pack = load_pack(root_ / "somebody");
  EXPECT_NO_THROW(verify_pack(pack));
  write_file(root_ / "somebody" / "net.onnx", "weightz");
  const std::string text = message(ErrorCode::kModelInvalid, [&] { verify_pack(pack); });
  EXPECT_NE(text.find("net.onnx is damaged"), std::string::npos) << text;
}

TEST_F(PackTest, WithAFileOfAnotherSizeDoesNotLoad) {
  write_file(root_ / "somebody" / "net.onnx", "short");
  const std::string text = message(ErrorCode::kModelInvalid, [&] { (void)load_pack(root_ / "somebody"); });
  EXPECT_NE(text.find("net.onnx has 5 bytes instead of 7"), std::string::npos) << text;
  std::vector<std::string> problems;
  EXPECT_TRUE(list_packs({root_}, &problems).empty());
  EXPECT_EQ(problems.size(), 1U);
}

TEST_F(PackTest, MayNotReachOutsideItsFolder) {
  write_file(root_ / "somebody" / "model.json",
             replaced(json_, "\"name\": \"net.onnx\"", "\"name\": \"../net.onnx\""));
  const std::string text = message(ErrorCode::kModelInvalid, [&] { (void)load_pack(root_ / "somebody"); });
  EXPECT_NE(text.find("\"files[0].name\" that is not the name of a file inside the pack"), std::string::npos)
      << text;
}

TEST_F(PackTest, MustListTheFilesItUses) {
  write_file(root_ / "somebody" / "model.json",
             replaced(json_, "\"network\": \"net.onnx\"", "\"network\": \"b.onnx\""));
  const std::string text = message(ErrorCode::kModelInvalid, [&] { (void)load_pack(root_ / "somebody"); });
  EXPECT_NE(text.find("does not list its file \"b.onnx\""), std::string::npos) << text;
}

TEST_F(PackTest, WithoutAnInt8NetworkSaysSo) {
  const ModelPack pack = load_pack(root_ / "somebody");
  EXPECT_EQ(pack.network(Precision::kBf16), root_ / "somebody" / "net.onnx");
  const std::string text = message(ErrorCode::kUnsupported, [&] { (void)pack.network(Precision::kInt8); });
  EXPECT_NE(text.find("has no int8 network"), std::string::npos) << text;
}

/// The model.json of a detector in a folder of its own, whose one file holds `weights`.
fs::path write_detector(const std::string& json) {
  const fs::path folder = fs::path(testing::TempDir()) / ("some_detector_" + std::to_string(::getpid()));
  fs::create_directories(folder);
  write_file(folder / "net.onnx", "weights");
  write_file(folder / "model.json", json);
  return folder;
}

constexpr const char* kDetectorJson = R"({"format": "likeness model pack", "version": 1, "kind": "detector",
  "name": "some", "source": "somewhere", "licence": "none", "method": "yunet", "network": "net.onnx",
  "input": {"channels": "bgr", "mean": 127.5, "scale": 128, "fit": "pad"},
  "landmarks": ["nose", "right eye", "left eye", "left mouth corner", "right mouth corner"],
  "min_score": 0.6, "overlap": 0.3, "face_height": {"least": 20, "largest": 400},
  "files": [{"name": "net.onnx", "bytes": 7, "sha256": ""}]})";

TEST(DetectorPack, ComesBackFromItsJson) {
  const ModelPack pack = load_pack(write_detector(kDetectorJson));
  EXPECT_EQ(pack.kind, PackKind::kDetector);
  EXPECT_EQ(pack.detector.method, DetectorMethod::kYunet);
  EXPECT_EQ(pack.detector.fit, InputFit::kPad);
  EXPECT_EQ(pack.detector.channels, ChannelOrder::kBgr);
  EXPECT_EQ(pack.detector.landmarks, (std::array<int, 5>{2, 1, 0, 3, 4}));
  EXPECT_FLOAT_EQ(pack.detector.mean, 127.5F);
  EXPECT_EQ(pack.detector.largest_face, 400);
  const ModelPack again = load_pack(write_detector(to_json(pack)));
  EXPECT_EQ(again.detector, pack.detector);
  EXPECT_EQ(again.contract.name, "some");
}

TEST(DetectorPack, WrongFieldsAreNamed) {
  const auto problem = [](const std::string& from, const std::string& to) {
    const fs::path folder = write_detector(replaced(kDetectorJson, from, to));
    return message(ErrorCode::kModelInvalid, [&] { (void)load_pack(folder); });
  };
  EXPECT_NE(problem("yunet", "haar").find("\"method\" that is not mtcnn, yunet or centerface"),
            std::string::npos);
  EXPECT_NE(problem("\"pad\"", "\"crop\"").find("\"input.fit\" that is not pad or stretch"),
            std::string::npos);
  EXPECT_NE(problem(R"("scale": 128)", R"("scale": 0)").find("input.scale"), std::string::npos)
      << problem(R"("scale": 128)", R"("scale": 0)");
  EXPECT_NE(problem("\"nose\"", "\"left eye\"").find("landmarks"), std::string::npos);
  EXPECT_NE(problem("0.6", "1.5").find("\"min_score\" that is not above 0 and below 1"), std::string::npos);
  EXPECT_NE(problem("400", "79").find("face_height.largest"), std::string::npos);
  EXPECT_NE(problem("\"network\": \"net", "\"network\": \"../net").find("network"), std::string::npos);
  EXPECT_NE(problem("\"network\": \"net", "\"network\": \"other").find("does not list its file"),
            std::string::npos);
  EXPECT_NE(problem("\"overlap\"", "\"colour\"").find("colour"), std::string::npos);
}

TEST(DetectorPack, TheOldKindIsMtcnn) {
  const fs::path folder = write_detector(R"({"format": "likeness model pack", "version": 1, "kind": "mtcnn",
    "name": "mtcnn", "source": "somewhere", "licence": "none", "files": []})");
  EXPECT_NE(message(ErrorCode::kModelInvalid, [&] { (void)load_pack(folder); }).find("pnet.onnx"),
            std::string::npos);
}

}  // namespace
}  // namespace likeness
