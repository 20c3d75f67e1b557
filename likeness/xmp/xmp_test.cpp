// Faces that other programs have marked in photos' XMP, and ours among them.
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <fstream>

#include "likeness/core/error.h"
#include "likeness/xmp/region_writer.h"
#include "likeness/xmp/sidecar.h"
#include "likeness/xmp/xml_tree.h"

namespace likeness {
namespace {

/// A packet with this inside its rdf:Description.
std::string packet(const std::string& inside, const std::string& attributes = "") {
  return R"(<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"
  xmlns:mwg-rs="http://www.metadataworkinggroup.com/schemas/regions/"
  xmlns:stArea="http://ns.adobe.com/xmp/sType/Area#" xmlns:stDim="http://ns.adobe.com/xap/1.0/sType/Dimensions#"
  xmlns:MP="http://ns.microsoft.com/photo/1.2/" xmlns:MPRI="http://ns.microsoft.com/photo/1.2/t/RegionInfo#"
  xmlns:MPReg="http://ns.microsoft.com/photo/1.2/t/Region#" xmlns:acdsee-rs="http://ns.acdsee.com/regions/"
  xmlns:acdsee-stArea="http://ns.acdsee.com/sType/Area#" )" +
         attributes + ">" + inside + "</rdf:Description></rdf:RDF></x:xmpmeta>\n<?xpacket end=\"w\"?>";
}
std::string mwg(const std::string& items, const std::string& dimensions = "") {
  return packet("<mwg-rs:Regions rdf:parseType=\"Resource\">" + dimensions + "<mwg-rs:RegionList><rdf:Bag>" +
                items + "</rdf:Bag></mwg-rs:RegionList></mwg-rs:Regions>");
}
/// As ExifTool writes it.
std::string item(const std::string& name, const std::string& type, double x, double y, double w, double h,
                 const std::string& unit = "normalized") {
  const auto field = [](const char* key, double value) {
    return std::string("<stArea:") + key + ">" + std::to_string(value) + "</stArea:" + key + ">";
  };
  return "<rdf:li rdf:parseType='Resource'><mwg-rs:Area rdf:parseType='Resource'>" + field("h", h) +
         field("w", w) + field("x", x) + field("y", y) + "<stArea:unit>" + unit +
         "</stArea:unit></mwg-rs:Area><mwg-rs:Name>" + name + "</mwg-rs:Name>" +
         (type.empty() ? "" : "<mwg-rs:Type>" + type + "</mwg-rs:Type>") + "</rdf:li>";
}
void expect_area(const FaceRegion& region, double left, double top, double right, double bottom) {
  ASSERT_TRUE(region.area) << region.name;
  EXPECT_NEAR(region.area->left, left, 1e-6);
  EXPECT_NEAR(region.area->top, top, 1e-6);
  EXPECT_NEAR(region.area->right, right, 1e-6);
  EXPECT_NEAR(region.area->bottom, bottom, 1e-6);
}
std::string error_of(const std::string& text) {
  try {
    (void)face_regions(text, "a.xmp");
    return "";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kDataInvalid);
    return error.what();
  }
}

TEST(FaceRegions, OfTheMetadataWorkingGroupInEachWayToWriteThem) {
  const auto elements = face_regions(mwg(item("Ann &amp; Bob", "Face", 0.3, 0.4, 0.2, 0.1)), "a");
  ASSERT_EQ(elements.size(), 1U);
  EXPECT_EQ(elements[0].name, "Ann & Bob");
  expect_area(elements[0], 0.2, 0.35, 0.4, 0.45);
  // As Exiv2, and so digiKam, writes them.
  const auto attributes = face_regions(
      mwg(R"(<rdf:li><rdf:Description mwg-rs:Name="Ann" mwg-rs:Type="Face"><mwg-rs:Area stArea:x="0.3" )"
          R"(stArea:y="0.4" stArea:w="0.2" stArea:h="0.1" stArea:unit="normalized"/></rdf:Description></rdf:li>)"),
      "a");
  ASSERT_EQ(attributes.size(), 1U);
  expect_area(attributes[0], 0.2, 0.35, 0.4, 0.45);
}

TEST(FaceRegions, OnlyFacesCountAndAnAreaThatIsNoneIsSaidSo) {
  const auto found =
      face_regions(mwg(item("Rex", "Pet", 0.3, 0.4, 0.2, 0.1) + item("Ann", "", 0.3, 0.4, 0.2, 0.1) +
                       item("", "Face", 0.8, 0.4, 0.2, 0.1) + item("Bob", "Face", 0.3, 0.4, 0, 0.1) +
                       item("Cid", "Face", 9, 0.4, 0.2, 0.1) +
                       "<rdf:li rdf:parseType='Resource'><mwg-rs:Name>Dan</mwg-rs:Name></rdf:li>"),
                   "a");
  ASSERT_EQ(found.size(), 5U);
  EXPECT_EQ(found[0].name, "Ann");
  EXPECT_EQ(found[1].name, "");
  for (std::size_t i = 2; i < 5; ++i) EXPECT_FALSE(found[i].area) << found[i].name;
  EXPECT_TRUE(face_regions(packet(""), "a").empty());
}

TEST(FaceRegions, PixelsAreSharesOfWhatTheyApplyTo) {
  const std::string size =
      "<mwg-rs:AppliedToDimensions stDim:w=\"400\" stDim:h=\"200\" stDim:unit=\"pixel\"/>";
  const auto found = face_regions(mwg(item("Ann", "Face", 100, 100, 40, 20, "pixel"), size), "a");
  ASSERT_EQ(found.size(), 1U);
  expect_area(found[0], 0.2, 0.45, 0.3, 0.55);
  EXPECT_FALSE(face_regions(mwg(item("Ann", "Face", 100, 100, 40, 20, "pixel")), "a")[0].area);
}

TEST(FaceRegions, OfMicrosoftAndAcdseeWhereThereAreNoOthers) {
  const std::string microsoft =
      R"(<MP:RegionInfo rdf:parseType="Resource"><MPRI:Regions><rdf:Bag><rdf:li MPReg:Rectangle="0.1, 0.2, 0.3, 0.4" )"
      R"(MPReg:PersonDisplayName="Ann"/><rdf:li MPReg:PersonDisplayName="Bob"/></rdf:Bag></MPRI:Regions></MP:RegionInfo>)";
  const std::string acdsee =
      R"(<acdsee-rs:Regions rdf:parseType="Resource"><acdsee-rs:RegionList><rdf:Bag><rdf:li><rdf:Description )"
      R"(acdsee-rs:Type="Face" acdsee-rs:Name="Cid"><acdsee-rs:ALGArea acdsee-stArea:x="0.5" acdsee-stArea:y="0.5" )"
      R"(acdsee-stArea:w="0.2" acdsee-stArea:h="0.2"/></rdf:Description></rdf:li></rdf:Bag></acdsee-rs:RegionList></acdsee-rs:Regions>)";
  const auto of_microsoft = face_regions(packet(acdsee + microsoft), "a");
  ASSERT_EQ(of_microsoft.size(), 2U);
  EXPECT_EQ(of_microsoft[0].name, "Ann");
  expect_area(of_microsoft[0], 0.1, 0.2, 0.4, 0.6);
  EXPECT_FALSE(of_microsoft[1].area);
  const auto of_acdsee = face_regions(packet(acdsee), "a");
  ASSERT_EQ(of_acdsee.size(), 1U);
  EXPECT_EQ(of_acdsee[0].name, "Cid");
  expect_area(of_acdsee[0], 0.4, 0.4, 0.6, 0.6);
}

TEST(FaceRegions, TextsThatMeanHarmAreRefused) {
  EXPECT_EQ(error_of("<a/>"), "a.xmp: it is XML and no XMP");
  EXPECT_NE(error_of("Ann").find("a.xmp: its XML is damaged in line 1"), std::string::npos);
  EXPECT_NE(error_of(packet("<dc:title>")).find("damaged"), std::string::npos);
  EXPECT_EQ(error_of("<!DOCTYPE a [<!ENTITY b \"cccc\"><!ENTITY d \"&b;&b;\">]><a>&d;</a>"),
            "a.xmp: its XML has a document type, which is not read");
  EXPECT_EQ(error_of("<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>"),
            "a.xmp: its XML has a document type, which is not read");
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += "<a>";
  EXPECT_EQ(error_of(deep), "a.xmp: its XML is nested deeper than 64 elements");
  std::string many = "<a>";
  for (int i = 0; i < 100'001; ++i) many += "<b/>";
  EXPECT_EQ(error_of(many + "</a>"), "a.xmp: its XML has more than 100,000 elements");
  EXPECT_EQ(error_of(std::string((8U << 20) + 1, ' ')), "a.xmp: its XML is larger than 8 MiB");
  std::string faces;
  for (int i = 0; i < 1001; ++i) faces += item("A", "Face", 0.5, 0.5, 0.1, 0.1);
  EXPECT_EQ(error_of(mwg(faces)), "a.xmp: it marks more than 1,000 faces");
  EXPECT_NE(error_of(packet("\xFF\xFE")).find("damaged"), std::string::npos);
}

// ---- orientation ----

TEST(FaceRegions, AreTurnedAsThePhotoIs) {
  const RegionArea stored{0.1, 0.2, 0.3, 0.6};
  // Exif 6: the stored picture's left side is the photo's top, its top the photo's right side.
  const RegionArea turned = to_upright(stored, 6);
  EXPECT_NEAR(turned.left, 0.4, 1e-9);
  EXPECT_NEAR(turned.top, 0.1, 1e-9);
  EXPECT_NEAR(turned.right, 0.8, 1e-9);
  EXPECT_NEAR(turned.bottom, 0.3, 1e-9);
  EXPECT_NEAR(to_upright(stored, 3).left, 0.7, 1e-9);
  EXPECT_NEAR(to_upright(stored, 8).left, 0.2, 1e-9);
  EXPECT_NEAR(to_upright(stored, 8).top, 0.7, 1e-9);
  for (int orientation = 1; orientation <= 8; ++orientation)
    EXPECT_NEAR(overlap(to_stored(to_upright(stored, orientation), orientation), stored), 1, 1e-9)
        << orientation;
  const Box box = box_of(stored, {200, 100});
  EXPECT_EQ(box, (Box{20, 20, 60, 60}));
  EXPECT_NEAR(overlap(area_of(box, {200, 100}), stored), 1, 1e-6);
}

// ---- writing ----

const std::array<FaceRegion, 2> kFaces{FaceRegion{"Ann <&\"> \xC3\x84", RegionArea{0.1, 0.2, 0.3, 0.4}},
                                       FaceRegion{"Bob", RegionArea{0.6, 0.2, 0.8, 0.5}}};

TEST(MarkFaces, WhatIsWrittenIsRead) {
  const MarkedXmp made = mark_faces("", "a", kFaces, {400, 300});
  EXPECT_EQ(made.added, 2U);
  const auto read = face_regions(made.text, "a");
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].name, kFaces[0].name);
  expect_area(read[0], 0.1, 0.2, 0.3, 0.4);
  expect_area(read[1], 0.6, 0.2, 0.8, 0.5);
  const MarkedXmp again = mark_faces(made.text, "a", kFaces, {400, 300});
  EXPECT_EQ(again.there, 2U);
  EXPECT_EQ(again.text, made.text);
  EXPECT_TRUE(mark_faces("", "a", {}, {400, 300}).text.empty());
}

TEST(MarkFaces, WhatIsThereStaysByteByByte) {
  const std::string title =
      "<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">A  party\t</rdf:li></rdf:Alt></dc:title>";
  const std::string pet = item("Rex", "Pet", 0.2, 0.3, 0.2, 0.2) + item("Cid", "Face", 0.5, 0.9, 0.1, 0.1);
  for (const std::string& before :
       {packet(title), packet(title, "dc:format=\"image/jpeg\""), mwg(pet), mwg("")}) {
    const MarkedXmp made = mark_faces(before, "a", kFaces, {400, 300});
    EXPECT_EQ(made.added, 2U);
    std::size_t same = 0;
    while (same < before.size() && before[same] == made.text[same]) ++same;
    EXPECT_TRUE(made.text.ends_with(before.substr(same))) << made.text;
    const auto read = face_regions(made.text, "a");
    ASSERT_EQ(read.size(), before == mwg(pet) ? 3U : 2U) << made.text;
    EXPECT_EQ(read.back().name, "Bob");
  }
  // Lists in one tag, under other short names.
  const std::string odd =
      R"(<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><r:Description )"
      R"(xmlns:m="http://www.metadataworkinggroup.com/schemas/regions/"><m:Regions r:parseType="Resource">)"
      R"(<m:RegionList><r:Bag /></m:RegionList></m:Regions></r:Description></r:RDF>)";
  EXPECT_EQ(face_regions(mark_faces(odd, "a", kFaces, {400, 300}).text, "a").size(), 2U);
  const std::string empty = R"(<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>)";
  EXPECT_EQ(face_regions(mark_faces(empty, "a", kFaces, {400, 300}).text, "a").size(), 2U);
}

TEST(MarkFaces, ANameThatStandsThereIsNotWrittenOver) {
  const MarkedXmp made = mark_faces(mwg(item("Annie", "Face", 0.2, 0.3, 0.2, 0.2)), "a", kFaces, {400, 300});
  EXPECT_EQ(made.added, 1U);
  ASSERT_EQ(made.otherwise.size(), 1U);
  EXPECT_EQ(made.otherwise[0], "where " + kFaces[0].name + " is, Annie is marked");
  EXPECT_EQ(face_regions(made.text, "a")[0].name, "Annie");
}

TEST(MarkFaces, RefusesWhatItCannotAddTo) {
  const auto refusal = [](const std::string& text, const std::string& name = "Ann") -> std::string {
    const std::array<FaceRegion, 1> face{FaceRegion{name, RegionArea{0.1, 0.2, 0.3, 0.4}}};
    try {
      (void)mark_faces(text, "a.xmp", face, {400, 300});
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(refusal(packet("<mwg-rs:Regions rdf:parseType=\"Resource\"/>")),
            "a.xmp: its mwg-rs:Regions have no list to add to");
  EXPECT_EQ(refusal(mwg("", "<mwg-rs:AppliedToDimensions stDim:w=\"300\" stDim:h=\"400\"/>")),
            "a.xmp: its face regions are of a picture of other proportions");
  EXPECT_EQ(refusal(mwg("", "<mwg-rs:AppliedToDimensions stDim:w=\"133\" stDim:h=\"100\"/>")), "");
  EXPECT_EQ(refusal("<html/>"), "a.xmp: it is XML and no XMP");
  EXPECT_NE(refusal("", "A\xFF").find("damaged"), std::string::npos) << "a name that is no UTF-8";
}

// ---- sidecars ----

TEST(Sidecar, IsTheOneOfThePhotosWholeNameFirst) {
  const auto folder = std::filesystem::path(testing::TempDir()) / "likeness_sidecar_test";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const auto photo = folder / "a.jpg";
  PhotoHeader header{.xmp = mwg(item("Own", "Face", 0.5, 0.5, 0.1, 0.1))};
  EXPECT_EQ(xmp_of(photo, header).file, photo);
  std::ofstream(folder / "a.xmp") << packet("");
  EXPECT_EQ(xmp_of(photo, header).file, photo) << "a sidecar that marks nobody";
  std::ofstream(folder / "a.xmp") << mwg(item("Adobe", "Face", 0.5, 0.5, 0.1, 0.1));
  EXPECT_EQ(xmp_of(photo, header).file, folder / "a.xmp");
  std::ofstream(sidecar_of(photo)) << mwg(item("Whole", "Face", 0.5, 0.5, 0.1, 0.1));
  EXPECT_EQ(xmp_of(photo, header).file, folder / "a.jpg.xmp");
  std::ofstream(sidecar_of(photo)) << "damaged";
  EXPECT_THROW((void)xmp_of(photo, header), Error);
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace likeness
