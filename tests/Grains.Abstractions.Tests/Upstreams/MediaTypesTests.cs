namespace CozeCluster.Grains.Abstractions.Tests;

public sealed class MediaTypesTests
{
    [Theory]
    [InlineData("89504E470D0A1A0A", "image/png")]
    [InlineData("FFD8FFE0", "image/jpeg")]
    [InlineData("474946383961", "image/gif")]
    [InlineData("52494646000000005745425056503820", "image/webp")]
    [InlineData("5249464600000000574156456D7420", "audio/wav")]
    [InlineData("0000001C6674797061766966", "image/avif")]
    [InlineData("0000001C6674797068656963", "image/heic")]
    [InlineData("255044462D312E37", "application/pdf")]
    [InlineData("4F676753", "audio/ogg")]
    [InlineData("52494646", null)]
    [InlineData("68656C6C6F", null)]
    [InlineData("", null)]
    public void Detect_KnownBytes_NamesTheType(string hex, string? expected) =>
        Assert.Equal(expected, MediaTypes.Detect(Convert.FromHexString(hex))?.Type);
}
