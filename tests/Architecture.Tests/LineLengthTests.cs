using System.Globalization;
using System.Text.RegularExpressions;

namespace CozeCluster.Architecture.Tests;

/// <summary>Lines of C# are at most as long as <c>.editorconfig</c> says.</summary>
public sealed partial class LineLengthTests
{
    [Fact]
    public void No_line_of_CSharp_is_longer_than_160_characters()
    {
        var max = int.Parse(MaxLineLength().Match(Repository.Read(".editorconfig")).Groups[1].ValueSpan, CultureInfo.InvariantCulture);
        var files = new[] { "src/", "tests/", "bench/" }.SelectMany(Repository.CSharpFiles);
        var tooLong = files.SelectMany(path => Repository.Read(path).Split('\n')
            .Select((line, index) => (Place: $"{path}:{index + 1}", Length: line.TrimEnd('\r').Length))
            .Where(line => line.Length > max)
            .Select(line => $"{line.Place} has {line.Length} characters")).ToList();

        Assert.Equal(160, max);
        Assert.True(tooLong.Count == 0, string.Join('\n', tooLong));
    }

    [GeneratedRegex(@"max_line_length = (\d+)")]
    private static partial Regex MaxLineLength();
}
