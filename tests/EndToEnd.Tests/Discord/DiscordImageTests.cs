using System.ClientModel;
using CozeCluster.EndToEnd.Tests.Sdk;
using OpenAI.Images;

namespace CozeCluster.EndToEnd.Tests.Discord;

/// <summary>Images of bots on Discord with the official .NET client, in every form in which bots show images.</summary>
[Collection(nameof(DiscordNode))]
public sealed class DiscordImageTests(DiscordFixture node)
{
    [Theory]
    [InlineData("embed", "/discord/cdn/")]
    [InlineData("attachment", "/v1/attachments/")]
    [InlineData("link", "/discord/cdn/")]
    public async Task An_image_is_drawn_with_the_text_of_the_bot(string form, string address)
    {
        var options = new ImageGenerationOptions { Size = GeneratedImageSize.W1024xH1024, ResponseFormat = GeneratedImageFormat.Uri };

        var image = (await Images().GenerateImageAsync($"A cat on a wall [[image={form} say=\"A grey one.\"]]", options, TestTimeout.Token)).Value;

        Assert.StartsWith(address, image.ImageUri.AbsolutePath, StringComparison.Ordinal);
        Assert.Equal("A grey one.", image.RevisedPrompt);
        // Clients show an image after the end of the turn, when its channel does not exist any more.
        await node.WaitForCleanupAsync();
        using var http = new HttpClient();
        Assert.NotEmpty(await http.GetByteArrayAsync(image.ImageUri, TestTimeout.Token));
    }

    [Fact]
    public async Task An_attachment_is_kept_by_the_node_and_shown_as_a_picture_only()
    {
        var url = (await Images().GenerateImageAsync("A cat [[image=attachment]]", cancellationToken: TestTimeout.Token)).Value.ImageUri;
        using var http = new HttpClient();

        using var response = await http.GetAsync(url, TestTimeout.Token);

        Assert.Equal(("image/png", "inline"), (response.Content.Headers.ContentType?.MediaType, response.Content.Headers.ContentDisposition?.DispositionType));
        Assert.Equal(["nosniff"], response.Headers.GetValues("X-Content-Type-Options"));
        Assert.True(response.Headers.CacheControl?.Private);
        using var other = await http.GetAsync(new Uri(url, "/v1/attachments/unknown/a.png"), TestTimeout.Token);
        Assert.Equal(404, (int)other.StatusCode);
    }

    [Fact]
    public async Task An_attachment_is_given_as_bytes()
    {
        var options = new ImageGenerationOptions { ResponseFormat = GeneratedImageFormat.Bytes };

        var image = (await Images().GenerateImageAsync("A cat [[image=attachment]]", options, TestTimeout.Token)).Value;

        Assert.Equal("PNG"u8, image.ImageBytes.ToMemory().Span[1..4]);
    }

    [Fact]
    public async Task Several_images_are_drawn_concurrently()
    {
        var images = (await Images().GenerateImagesAsync("Cats [[image=embed]]", 3, new ImageGenerationOptions(), TestTimeout.Token)).Value;

        Assert.Equal(3, images.Select(image => image.ImageUri).Distinct().Count());
        await node.WaitForCleanupAsync();
    }

    /// <summary>The fake Discord is on this machine, and the node is not in sandbox mode.</summary>
    [Fact]
    public async Task An_image_on_this_machine_is_not_fetched()
    {
        var options = new ImageGenerationOptions { ResponseFormat = GeneratedImageFormat.Bytes };

        var failure = await Assert.ThrowsAsync<ClientResultException>(
            () => Images().GenerateImageAsync("A cat [[image=embed]]", options, TestTimeout.Token));

        Assert.Contains("Its address is not a public one.", failure.Message, StringComparison.Ordinal);
    }

    private ImageClient Images() => new(DiscordFleet.Fresh, new ApiKeyCredential(TestFleet.Key), SdkClient.Options(node.Url));
}
