"""Texts to token ids and back as a preset's tokenizer does it, where need be without Keras.

Knows no network. What a tokenizer is can be told as JSON values, which are kept beside the model's
programs; from them the library `tokenizers` makes the same pieces.
"""

import codecs
import functools
import re
import unicodedata

import tokenizers
from tokenizers import models, pre_tokenizers

TURN_END = "<end_of_turn>"  # ends what Gemma says
LONGEST_WORD = 100  # bytes; longer words are unknown
# Where keras-hub's WordPieceTokenizer parts words, and which marks are words of their own.
BLANKS = r"[ \t\n\r\f\p{Cc}\p{Cf}]"
MARKS = (
    r"[!-/:-@\[-`{-~\p{P}"
    "\u4e00-\u9fff\u3400-\u4dbf\uf900-\ufaff\U00020000-\U0002a6df\U0002a700-\U0002ceaf"
    "\U0002f800-\U0002fa1f]"
)
# Characters that case folding drops and that part no words (Unicode's Default_Ignorable_Code_Point)
IGNORED = re.compile("[\u115f\u1160\u2065\u3164\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]")


class BytePairs:
    """Byte-level BPE (Radford et al. 2019, 2.2), as keras-hub's BytePairTokenizer runs it.

    Args:
        program: str, the JSON of a `tokenizers.Tokenizer`.
    """

    def __init__(self, program):
        self._program = tokenizers.Tokenizer.from_str(program)

    def ids(self, text):
        """Token ids of a text, a list of int."""
        return self._program.encode(text).ids

    def id_of(self, token):
        """The id of a token, int."""
        return self._program.token_to_id(token)

    def bytes_of(self, number):
        """The bytes that a token stands for."""
        return bytes(letters()[letter] for letter in self._program.id_to_token(number))


class SentencePieces:
    """SentencePiece (Kudo and Richardson 2018, arXiv:1808.06226), as keras-hub runs it.

    Args:
        tokenizer: a keras-hub SentencePieceTokenizer.
    """

    def __init__(self, tokenizer):
        self._tokenizer = tokenizer

    def ids(self, text):
        """Token ids of a text, a list of int."""
        return [int(number) for number in self._tokenizer(text)]

    def id_of(self, token):
        """The id of a token, int."""
        return self._tokenizer.token_to_id(token)

    def bytes_of(self, number):
        """The bytes that a token stands for."""
        if number in self._tokenizer.special_token_ids:
            return b""
        token = self._tokenizer.id_to_token(number)
        byte = re.fullmatch(r"<0x([0-9A-F]{2})>", token)  # of a character that has no piece
        return bytes.fromhex(byte[1]) if byte else token.replace("\u2581", " ").encode()


class WordPieces:
    """WordPieces of words without case and accents (Devlin et al. 2019), as keras-hub makes them.

    Args:
        vocabulary: sequence of str, the pieces in the order of their ids.
        unknown: str, the piece that stands for a word of no known pieces.
    """

    def __init__(self, vocabulary, unknown):
        known = {piece: at for at, piece in enumerate(vocabulary)}
        self._unknown = known[unknown]
        self._pieces = models.WordPiece(
            known, unk_token=unknown, max_input_chars_per_word=LONGEST_WORD
        )
        self._parts = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(tokenizers.Regex(BLANKS), "removed"),
                pre_tokenizers.Split(tokenizers.Regex(MARKS), "isolated"),
            ]
        )

    def ids(self, text):
        """Piece ids of a text, a list of int."""
        apart = unicodedata.normalize("NFD", text)
        bare = "".join(sign for sign in apart if unicodedata.category(sign) != "Mn")
        words = (_folded(word) for word, _ in self._parts.pre_tokenize_str(bare))
        return [number for word in words for number in self._of(word)]

    def _of(self, word):
        if len(word.encode()) > LONGEST_WORD:
            return [self._unknown]
        return [piece.id for piece in self._pieces.tokenize(word)] if word else []


def _folded(word):
    """A word without case, by Unicode's NFKC_Casefold."""
    folded = unicodedata.normalize("NFKC", word).casefold()
    return IGNORED.sub("", unicodedata.normalize("NFKC", folded))


def of(loaded):
    """The tokenizer of a Loaded language model: a BytePairs or, on Keras, a SentencePieces."""
    program = loaded.told(byte_pairs)
    return _pairs(program) if program else SentencePieces(loaded.model.preprocessor.tokenizer)


@functools.lru_cache(maxsize=4)
def _pairs(program):
    return BytePairs(program)


def byte_pairs(model):
    """What BytePairs takes, of a model that splits texts into byte pairs, else None."""
    tokenizer = model.preprocessor.tokenizer
    if hasattr(tokenizer, "proto"):
        return None
    tokenizer("")  # it makes its program when it is first used, and has no public way to it
    return tokenizer._tokenizer.to_str()


def words(loaded):
    """The tokenizer of a Loaded text classifier, a function of texts giving lists of piece ids."""
    known = loaded.told(word_pieces)
    if known is None:
        own = loaded.model.preprocessor.tokenizer
        return lambda texts: [[int(number) for number in each] for each in own(texts)]
    pieces = _words(tuple(known["vocabulary"]), known["unknown"])
    return lambda texts: [pieces.ids(text) for text in texts]


@functools.lru_cache(maxsize=4)
def _words(vocabulary, unknown):
    return WordPieces(vocabulary, unknown)


def word_pieces(model):
    """What WordPieces takes, as a dict, of a model that reads words so; None where it differs."""
    tokenizer = model.preprocessor.tokenizer
    ways = ("lowercase", "strip_accents", "split", "split_on_cjk")
    if not all(getattr(tokenizer, way, False) for way in ways):
        return None
    return {"vocabulary": tokenizer.get_vocabulary(), "unknown": tokenizer.oov_token}


def decoded(reads, ids):
    """The text of tokens; bytes of a character that is not complete yet wait.

    Args:
        reads: as `of` gives it.
        ids: iterable of int.
    """
    data = b"".join(map(reads.bytes_of, ids))
    return codecs.getincrementaldecoder("utf-8")("replace").decode(data)


@functools.cache
def letters():
    """The byte that each letter of a GPT-2 vocabulary stands for (Radford et al. 2019, 2.2)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {
        chr(256 + number): byte for number, byte in enumerate(rest)
    }
