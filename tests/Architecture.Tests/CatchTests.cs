using System.Text.RegularExpressions;

namespace CozeCluster.Architecture.Tests;

/// <summary>No code of the product swallows every exception without a word: a defect would look like success.</summary>
public sealed partial class CatchTests
{
    [Fact]
    public void Code_that_catches_everything_throws_logs_or_uses_the_exception()
    {
        var silent = Repository.CSharpFiles("src/").SelectMany(path => SilentCatches(Repository.Read(path)).Select(line => $"{path}:{line}")).ToList();

        Assert.True(silent.Count == 0, string.Join('\n', silent));
    }

    [Theory]
    [InlineData("catch { }", true)]
    [InlineData("catch { Undo(); throw; }", false)]
    [InlineData("catch (Exception) { _isOver = true; }", true)]
    [InlineData("catch (Exception e) { _isOver = true; }", true)]
    [InlineData("catch (Exception e) { if (x) { y(); } Log(e); }", false)]
    [InlineData("catch (Exception e) { throw new IOException(e.Message); }", false)]
    [InlineData("catch (Exception e) when (e is IOException) { }", false)]
    [InlineData("catch (IOException) { }", false)]
    [InlineData("catch (OperationCanceledException) { }", true)]
    [InlineData("catch (OperationCanceledException) { // The node stops.\n}", false)]
    [InlineData("catch (OperationCanceledException) when (stop.IsCancellationRequested) { }", false)]
    public void Silent_catches_are_found(string source, bool isSilent) => Assert.Equal(isSilent, SilentCatches(source).Any());

    /// <summary>The numbers of lines where code catches everything and does not say so, or ignores a cancellation that it does not explain.</summary>
    private static IEnumerable<int> SilentCatches(string source)
    {
        foreach (Match match in Catches().Matches(source))
        {
            var name = match.Groups["name"].Value;
            var block = BlockAt(source, match.Index + match.Length);
            var isSilent = match.Groups["type"].Value == "OperationCanceledException"
                ? block.Trim('{', '}', ' ', '\n', '\r').Length == 0
                : !block.Contains("throw", StringComparison.Ordinal) && (name.Length == 0 || !Regex.IsMatch(block, $@"\b{name}\b"));
            if (isSilent) yield return source[..match.Index].Count(character => character == '\n') + 1;
        }
    }

    private static string BlockAt(string source, int start)
    {
        var depth = 0;
        for (var i = start; i < source.Length; i++)
        {
            if (source[i] == '{') depth++;
            if (source[i] == '}' && --depth == 0) return source[start..(i + 1)];
        }
        return source[start..];
    }

    [GeneratedRegex(@"\bcatch\s*(\(\s*(?<type>Exception|OperationCanceledException)(\s+(?<name>\w+))?\s*\)\s*)?(?=\{)")]
    private static partial Regex Catches();
}
