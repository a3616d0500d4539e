"""What languages are called: in European languages as words, in others as the pieces that their phrases are made of."""

from __future__ import annotations

from typing import Final

# The names of languages as apps write them, in English and the larger European languages. One line a language; a name
# that is also an ordinary word of another language is left out.
NAMES: Final = {
    "ar": "arabic arabe arabisch arabo árabe arabski",
    "bg": "bulgarian bulgare bulgarisch búlgaro bulgaro bulgaars bułgarski",
    "bn": "bengali bangla bengalisch bengalí",
    "ca": "catalan katalanisch catalán catalano catalão catalaans",
    "cs": "czech tchèque tschechisch checo ceco tcheco tsjechisch czeski",
    "da": "danish danois dänisch danés danese dinamarquês deens duński",
    "de": "german allemand deutsch deutsche alemán tedesco alemão duits niemiecki немецкий немецком",
    "el": "greek grec griechisch griego greco grego grieks grecki",
    "en": "english anglais englisch englische inglés inglese inglês engels angielski английский английском",
    "es": "spanish espagnol spanisch español castellano spagnolo espanhol spaans hiszpański испанский испанском",
    "et": "estonian estonien estnisch estonio estone ests estoński",
    "fa": "persian farsi persan persisch persa perzisch perski",
    "fi": "finnish finnois finnisch finlandés finlandese finlandês fins fiński",
    "fr": "french français französisch francés francese francês frans francuski французский французском",
    "gu": "gujarati goudjarati gujaratí",
    "he": "hebrew hébreu hebräisch hebreo ebraico hebraico hebreeuws hebrajski",
    "hi": "hindi",
    "hr": "croatian croate kroatisch croata chorwacki",
    "hu": "hungarian hongrois ungarisch húngaro ungherese hongaars węgierski",
    "id": "indonesian indonésien indonesisch indonesio indonesiano",
    "is": "icelandic islandais isländisch islandés islandese islandês ijslands islandzki",
    "it": "italian italien italienisch italiano italiaans włoski итальянский итальянском",
    "ja": "japanese japonais japanisch japonés giapponese japonês japans japoński японский японском",
    "kk": "kazakh kasachisch kazajo kazako cazaque",
    "ko": "korean coréen koreanisch coreano koreaans koreański",
    "lt": "lithuanian lituanien litauisch lituano litouws litewski",
    "lv": "latvian letton lettisch letón lettone letão lets łotewski",
    "ms": "malay malais malaiisch malayo malese malaio",
    "nl": "dutch néerlandais niederländisch neerlandés holandés olandese holandês nederlands niderlandzki",
    "no": "norwegian norvégien norwegisch noruego norvegese norueguês noors norweski",
    "pl": "polish polonais polnisch polaco polacco polonês pools polski",
    "pt": "portuguese portugais portugiesisch portugués portoghese português portugees portugalski",
    "ro": "romanian roumain rumänisch rumano rumeno romeno roemeens rumuński",
    "ru": "русский русском russian russe russisch ruso russo rosyjski",
    "sk": "slovak slovaque slowakisch eslovaco slovacco slowaaks słowacki",
    "sl": "slovenian slovene slovène slowenisch esloveno sloveno sloveens słoweński",
    "sq": "albanian albanais albanisch albanés albanese albanês albanees albański",
    "sr": "serbian serbe serbisch serbio serbo sérvio servisch serbski",
    "sv": "swedish suédois schwedisch sueco svedese zweeds szwedzki",
    "sw": "swahili kiswahili suajili",
    "ta": "tamil tamoul tamilisch",
    "te": "telugu",
    "th": "thai thaï thailändisch tailandés thailandese tailandês thais tajski",
    "tr": "turkish turc türkisch turco turks turecki",
    "uk": "ukrainian ukrainien ukrainisch ucraniano ucraino oekraïens ukraiński",
    "ur": "urdu ourdou",
    "vi": "vietnamese vietnamien vietnamesisch vietnamita vietnamees wietnamski",
    "zh": "chinese mandarin chinois chinesisch chino cinese chinês chinees chiński китайский китайском",
}  # fmt: skip

# Chinese and Japanese, before 语, 語 or 文; longest first where one ends another.
HAN_NAMES: Final = {
    "英": "en", "中": "zh", "汉": "zh", "漢": "zh", "中国": "zh", "日": "ja", "日本": "ja", "韩": "ko", "韓": "ko",
    "韓国": "ko", "法": "fr", "フランス": "fr", "德": "de", "ドイツ": "de", "西班牙": "es", "スペイン": "es",
    "意大利": "it", "義大利": "it", "イタリア": "it", "葡萄牙": "pt", "ポルトガル": "pt", "俄": "ru", "ロシア": "ru",
    "阿拉伯": "ar", "アラビア": "ar", "印地": "hi", "ヒンディー": "hi", "荷兰": "nl", "荷蘭": "nl", "オランダ": "nl",
    "波兰": "pl", "波蘭": "pl", "ポーランド": "pl", "捷克": "cs", "チェコ": "cs", "乌克兰": "uk", "烏克蘭": "uk",
    "ウクライナ": "uk", "瑞典": "sv", "スウェーデン": "sv", "丹麦": "da", "デンマーク": "da", "挪威": "no",
    "ノルウェー": "no", "芬兰": "fi", "フィンランド": "fi", "希腊": "el", "ギリシャ": "el", "土耳其": "tr",
    "トルコ": "tr", "越南": "vi", "ベトナム": "vi", "泰": "th", "タイ": "th", "匈牙利": "hu", "ハンガリー": "hu",
    "罗马尼亚": "ro", "ルーマニア": "ro", "波斯": "fa", "ペルシア": "fa", "希伯来": "he", "ヘブライ": "he",
    "保加利亚": "bg", "ブルガリア": "bg", "克罗地亚": "hr", "クロアチア": "hr", "斯洛伐克": "sk", "スロバキア": "sk",
    "塞尔维亚": "sr", "セルビア": "sr", "斯洛文尼亚": "sl", "スロベニア": "sl", "印尼": "id", "印度尼西亚": "id",
    "インドネシア": "id", "马来": "ms", "マレー": "ms", "立陶宛": "lt", "リトアニア": "lt", "拉脱维亚": "lv",
    "ラトビア": "lv", "爱沙尼亚": "et", "エストニア": "et", "冰岛": "is", "アイスランド": "is", "加泰罗尼亚": "ca",
    "カタルーニャ": "ca", "孟加拉": "bn", "ベンガル": "bn", "乌尔都": "ur", "ウルドゥー": "ur",
}  # fmt: skip
# What a translation into them is called for short: 英訳, 和訳; 中译英.
HAN_SHORT: Final = {
    "英": "en", "和": "ja", "日": "ja", "中": "zh", "汉": "zh", "漢": "zh", "韩": "ko", "韓": "ko", "仏": "fr",
    "法": "fr", "独": "de", "德": "de", "露": "ru", "俄": "ru", "西": "es",
}  # fmt: skip
# Korean, before 어 or 말.
KOREAN_NAMES: Final = {
    "영": "en", "한국": "ko", "중국": "zh", "일본": "ja", "프랑스": "fr", "불": "fr", "독일": "de", "스페인": "es",
    "이탈리아": "it", "포르투갈": "pt", "러시아": "ru", "아랍": "ar", "힌디": "hi", "네덜란드": "nl", "폴란드": "pl",
    "체코": "cs", "우크라이나": "uk", "스웨덴": "sv", "덴마크": "da", "노르웨이": "no", "핀란드": "fi", "그리스": "el",
    "터키": "tr", "베트남": "vi", "태국": "th", "헝가리": "hu", "루마니아": "ro", "페르시아": "fa", "히브리": "he",
    "불가리아": "bg", "크로아티아": "hr", "슬로바키아": "sk", "세르비아": "sr", "슬로베니아": "sl", "인도네시아": "id",
    "말레이": "ms", "리투아니아": "lt", "라트비아": "lv", "에스토니아": "et", "아이슬란드": "is", "카탈루냐": "ca",
    "벵골": "bn", "우르두": "ur",
}  # fmt: skip
# Arabic, after the article.
ARABIC_NAMES: Final = {
    "إنجليزية": "en", "انجليزية": "en", "إنكليزية": "en", "عربية": "ar", "فرنسية": "fr", "ألمانية": "de",
    "المانية": "de", "إسبانية": "es", "اسبانية": "es", "إيطالية": "it", "ايطالية": "it", "برتغالية": "pt",
    "روسية": "ru", "صينية": "zh", "يابانية": "ja", "كورية": "ko", "هندية": "hi", "تركية": "tr", "فارسية": "fa",
    "هولندية": "nl", "بولندية": "pl", "تشيكية": "cs", "أوكرانية": "uk", "سويدية": "sv", "يونانية": "el",
    "أردية": "ur", "عبرية": "he", "بلغارية": "bg", "كرواتية": "hr", "سلوفاكية": "sk", "صربية": "sr", "سلوفينية": "sl",
    "إندونيسية": "id", "اندونيسية": "id", "دنماركية": "da", "فنلندية": "fi", "مجرية": "hu", "هنغارية": "hu",
    "نرويجية": "no", "رومانية": "ro", "تايلاندية": "th", "فيتنامية": "vi", "بنغالية": "bn", "كتالونية": "ca",
    "ليتوانية": "lt", "لاتفية": "lv", "إستونية": "et", "أيسلندية": "is",
}  # fmt: skip
# Hindi, before में or भाषा में.
HINDI_NAMES: Final = {
    "अंग्रेज़ी": "en", "अंग्रेजी": "en", "इंग्लिश": "en", "हिंदी": "hi", "हिन्दी": "hi", "फ़्रेंच": "fr", "फ्रेंच": "fr",
    "फ्रांसीसी": "fr", "जर्मन": "de", "स्पेनिश": "es", "इतालवी": "it", "इटैलियन": "it", "पुर्तगाली": "pt", "रूसी": "ru",
    "चीनी": "zh", "जापानी": "ja", "कोरियाई": "ko", "अरबी": "ar", "उर्दू": "ur", "बंगाली": "bn", "तमिल": "ta",
    "तेलुगु": "te", "गुजराती": "gu", "डच": "nl", "पोलिश": "pl", "तुर्की": "tr", "फ़ारसी": "fa",
    "चेक": "cs", "स्लोवाक": "sk", "स्वीडिश": "sv", "डेनिश": "da", "नॉर्वेजियन": "no", "फ़िनिश": "fi", "फिनिश": "fi",
    "ग्रीक": "el", "यूनानी": "el", "हंगेरियन": "hu", "रोमानियाई": "ro", "बल्गेरियाई": "bg", "यूक्रेनी": "uk",
    "क्रोएशियाई": "hr", "सर्बियाई": "sr", "हिब्रू": "he", "वियतनामी": "vi", "थाई": "th", "इंडोनेशियाई": "id", "मलय": "ms",
}  # fmt: skip
