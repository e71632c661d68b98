using System.ClientModel;
using OpenAI.Images;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>The official .NET client has a bot draw.</summary>
public sealed class ImageTests(NodeFixture node)
{
    [Fact]
    public async Task An_image_is_drawn_as_the_client_wishes()
    {
        var options = new ImageGenerationOptions { Size = GeneratedImageSize.W1024xH1024, Quality = GeneratedImageQuality.High, ResponseFormat = GeneratedImageFormat.Uri, EndUserId = "somebody" };

        var image = (await node.Images(node.PlainModel()).GenerateImageAsync("A cat on a wall [[image say=\"A grey one.\"]]", options, Ask.Patience)).Value;

        Assert.Equal("/coze/sandbox/image.png", image.ImageUri.AbsolutePath);
        Assert.Equal("A grey one.", image.RevisedPrompt);
        Assert.Contains(node.Coze.Chats, chat => chat.Prompt.Contains("A cat on a wall", StringComparison.Ordinal) && chat.Prompt.Contains("Size: 1024x1024. Quality: hd.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Several_images_are_drawn_side_by_side()
    {
        var images = (await node.Images(node.PlainModel()).GenerateImagesAsync("Cats [[image pace=5ms]]", 3, new ImageGenerationOptions(), Ask.Patience)).Value;

        Assert.Equal(3, images.Count);
        Assert.All(images, image => Assert.NotNull(image.ImageUri));
    }

    [Fact]
    public async Task A_bot_that_does_not_draw_is_quoted()
    {
        var failure = await Failure("A cat [[say=\"I write poems.\"]]", GeneratedImageFormat.Uri);

        Assert.Equal(502, failure.Status);
        Assert.Contains("The bot answered without an image: I write poems.", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>The fake Coze is on this machine, and this node is no sandbox.</summary>
    [Fact]
    public async Task An_image_on_this_machine_is_not_fetched()
    {
        var failure = await Failure("A cat [[image]]", GeneratedImageFormat.Bytes);

        Assert.Equal(502, failure.Status);
        Assert.Contains("Its address is not a public one.", failure.Message, StringComparison.Ordinal);
    }

    private async Task<ClientResultException> Failure(string prompt, GeneratedImageFormat format) => await Assert.ThrowsAsync<ClientResultException>(
        () => node.Images(node.PlainModel()).GenerateImageAsync(prompt, new ImageGenerationOptions { ResponseFormat = format }, Ask.Patience));
}
