using System.Text;

namespace CozeCluster.Discord.Tests;

public sealed class MessageSplitterTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1970)]
    public void Short_text_is_one_unchanged_part(int length) =>
        Assert.Equal([new string('x', length)], MessageSplitter.Split(new string('x', length), reserve: 30));

    [Fact]
    public void Last_part_has_room_for_the_mention()
    {
        var parts = MessageSplitter.Split(new string('x', 1971), reserve: 30);

        Assert.Equal([1970, 1], parts.Select(part => part.Length));
        Assert.Equal([2000, 2000, 1970], MessageSplitter.Split(new string('x', 5970), reserve: 30).Select(part => part.Length));
        Assert.Equal([2000, 2000, 1970, 1], MessageSplitter.Split(new string('x', 5971), reserve: 30).Select(part => part.Length));
    }

    [Fact]
    public void Cut_is_after_a_line_or_else_after_a_word_or_else_at_the_limit()
    {
        Assert.Equal(["aaaaaaaa bbb\n", "cccc dddddddd"], MessageSplitter.Split("aaaaaaaa bbb\ncccc dddddddd", limit: 20));
        Assert.Equal(["aaaaaaaa bbb ", "cccccccc dddddddd"], MessageSplitter.Split("aaaaaaaa bbb cccccccc dddddddd", limit: 20));
        Assert.Equal(["a\nbbbbbbbbbbbbbbbbbb", "bbbbb"], MessageSplitter.Split("a\nbbbbbbbbbbbbbbbbbbbbbbb", limit: 20));
    }

    [Fact]
    public void Surrogate_pairs_are_not_split()
    {
        var parts = MessageSplitter.Split("x" + string.Concat(Enumerable.Repeat("😀", 30)), limit: 20);

        Assert.Equal([19, 20, 20, 2], parts.Select(part => part.Length));
        Assert.All(parts, part => Assert.False(char.IsLowSurrogate(part[0]) || char.IsHighSurrogate(part[^1])));
    }

    [Fact]
    public void Fence_that_fits_into_the_next_part_is_not_split()
    {
        var text = "some words before it here\n```cs\nvar a = 1;\nvar b = 2;\n```\nafter";

        Assert.Equal(["some words before it here\n", "```cs\nvar a = 1;\nvar b = 2;\n```\nafter"], MessageSplitter.Split(text, limit: 50));
    }

    [Fact]
    public void Fence_that_fits_into_no_part_is_closed_and_opened_again_with_its_language()
    {
        var lines = string.Concat(Enumerable.Range(10, 9).Select(n => $"line {n};\n"));

        Assert.Equal(
            ["```cs\nline 10;\nline 11;\nline 12;\n```", "```cs\nline 13;\nline 14;\nline 15;\n```", "```cs\nline 16;\nline 17;\nline 18;\n```\nend"],
            MessageSplitter.Split($"```cs\n{lines}```\nend", limit: 44));
    }

    [Fact]
    public void Cut_in_a_fence_without_line_breaks_adds_them() => Assert.Equal(
        ["```" + new string('x', 12) + "\n```", "```\n" + new string('x', 11) + "\n```", "```\n" + new string('x', 7) + "```"],
        MessageSplitter.Split("```" + new string('x', 30) + "```", limit: 19));

    [Fact]
    public void Blank_parts_are_left_out_and_the_reserve_is_kept()
    {
        Assert.Equal(["a", "b"], MessageSplitter.Split("a" + new string('\n', 100) + "b", limit: 20).Select(part => part.Trim()));
        var parts = MessageSplitter.Split(new string('x', 20) + new string('\n', 40), reserve: 5, limit: 20);
        Assert.True(parts[^1].Length <= 15);
        Assert.Equal([""], MessageSplitter.Split(new string('\n', 50), limit: 20));
    }

    [Theory]
    [InlineData(0, 15)]
    [InlineData(-1, 2000)]
    [InlineData(1001, 2000)]
    public void Invalid_limits_are_rejected(int reserve, int limit) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => MessageSplitter.Split("x", reserve, limit));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Random_texts_are_split_completely_into_parts_that_fit(int seed)
    {
        var random = new Random(seed);
        for (var round = 0; round < 2_000; round++)
        {
            var text = RandomText(random);
            var limit = random.Next(16, 120);
            var reserve = random.Next(0, limit / 2);
            var what = $"seed {seed}, round {round}, limit {limit}, reserve {reserve}: {text}";

            var at = 0;
            var pieces = MessageSplitter.Pieces(text, reserve, limit).ToList();
            foreach (var (start, length, prefix, suffix) in pieces)
            {
                Assert.True(start == at && (length > 0 || text.Length == 0), what);
                at += length;
                Assert.True(prefix.Length + length + suffix.Length <= limit, what);
                Assert.False(start > 0 && char.IsLowSurrogate(text[start]) && char.IsHighSurrogate(text[start - 1]), what);
            }
            Assert.True(at == text.Length, what);
            Assert.True(pieces[^1] is { Suffix: "" } last && last.Prefix.Length + last.Length <= limit - reserve, what);
            // Every fence is closed in the part in which it was opened, unless the text itself does not close its last fence.
            var isClosed = CodeFences.In(text).All(fence => text[..fence.End].EndsWith(CodeFences.Mark, StringComparison.Ordinal) && fence.Length > 6);
            if (limit < 100 || !isClosed) continue;
            Assert.All(pieces, piece => Assert.True(Marks($"{piece.Prefix}{text.AsSpan(piece.Start, piece.Length)}{piece.Suffix}") % 2 == 0, what));
        }
    }

    private static int Marks(string text) => (text.Length - text.Replace("```", "", StringComparison.Ordinal).Length) / 3;

    private static string RandomText(Random random)
    {
        string[] pieces =
        [
            "word", " ", "\n", "\n\n", "```", "\n```cs\n", "\n```\n", "😀", "a longer piece with several words", new string('x', 40), "图", "`",
        ];
        var text = new StringBuilder();
        for (var n = random.Next(0, 40); n > 0; n--) text.Append(pieces[random.Next(pieces.Length)]);
        return text.ToString();
    }
}
