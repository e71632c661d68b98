using System.Text;

namespace CozeCluster.Security.Tests.Secrets;

/// <summary>The search finds secrets. Otherwise the search that finds nothing would say nothing.</summary>
public sealed class SecretFormsTests
{
    private const string Secret = "Canary/of+the=search?8842";

    [Theory]
    [InlineData("raw", "x{0}y")]
    [InlineData("URL", "?key=Canary%2Fof%2Bthe%3Dsearch%3F8842&x")]
    [InlineData("URL with small digits", "?key=Canary%2fof%2bthe%3dsearch%3f8842&x")]
    [InlineData("JSON", "\"Canary/of\\u002Bthe=search?8842\"")]
    public void Find_TextWithTheSecret_NamesTheForm(string form, string text) =>
        Assert.Equal(form, SecretForms.Find(Encoding.UTF8.GetBytes(text.Replace("{0}", Secret, StringComparison.Ordinal)), Secret));

    [Theory]
    [InlineData("")]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData("user:")]
    public void Find_Base64OfATextWithTheSecret_IsFound(string before)
    {
        var text = Convert.ToBase64String(Encoding.UTF8.GetBytes(before + Secret + "and more"));

        Assert.StartsWith("Base64", SecretForms.Find(Encoding.ASCII.GetBytes($"Basic {text} "), Secret), StringComparison.Ordinal);
    }

    [Fact]
    public void Find_Utf16_IsFound() => Assert.Equal("UTF-16", SecretForms.Find(Encoding.Unicode.GetBytes($"x{Secret}y"), Secret));

    [Fact]
    public void Find_OtherText_IsNull() => Assert.Null(SecretForms.Find("Canary of another search, Q2FuYXJ5"u8, Secret));
}
