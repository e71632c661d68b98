using System.ClientModel;
using OpenAI.Images;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>The official .NET client has bots on Discord draw, however they show what they drew.</summary>
[Collection(nameof(DiscordNode))]
public sealed class DiscordImageTests(DiscordFixture node)
{
    [Theory]
    [InlineData("embed")]
    [InlineData("attachment")]
    [InlineData("link")]
    public async Task An_image_is_drawn_with_what_the_bot_says_to_it(string form)
    {
        var options = new ImageGenerationOptions { Size = GeneratedImageSize.W1024xH1024, ResponseFormat = GeneratedImageFormat.Uri };

        var image = (await Images().GenerateImageAsync($"A cat on a wall [[image={form} say=\"A grey one.\"]]", options, Ask.Patience)).Value;

        Assert.StartsWith("/discord/cdn/", image.ImageUri.AbsolutePath, StringComparison.Ordinal);
        Assert.Equal("A grey one.", image.RevisedPrompt);
        using var http = new HttpClient();
        Assert.NotEmpty(await http.GetByteArrayAsync(image.ImageUri, Ask.Patience));
        await node.NoneIsLeftAsync();
    }

    [Fact]
    public async Task Several_images_are_drawn_side_by_side()
    {
        var images = (await Images().GenerateImagesAsync("Cats [[image=embed]]", 3, new ImageGenerationOptions(), Ask.Patience)).Value;

        Assert.Equal(3, images.Select(image => image.ImageUri).Distinct().Count());
        await node.NoneIsLeftAsync();
    }

    /// <summary>The fake Discord is on this machine, and this node is no sandbox.</summary>
    [Fact]
    public async Task An_image_on_this_machine_is_not_fetched()
    {
        var failure = await Assert.ThrowsAsync<ClientResultException>(
            () => Images().GenerateImageAsync("A cat [[image=attachment]]", new ImageGenerationOptions { ResponseFormat = GeneratedImageFormat.Bytes }, Ask.Patience));

        Assert.Contains("Its address is not a public one.", failure.Message, StringComparison.Ordinal);
    }

    private ImageClient Images() => new(
        DiscordFleet.Fresh, new ApiKeyCredential(TestFleet.Key), new OpenAI.OpenAIClientOptions { Endpoint = new Uri(node.Url, "/v1"), RetryPolicy = new System.ClientModel.Primitives.ClientRetryPolicy(0) });
}
