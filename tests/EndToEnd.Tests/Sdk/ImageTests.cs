using System.ClientModel;
using OpenAI.Images;

namespace CozeCluster.EndToEnd.Tests.Sdk;

/// <summary>Images with the official .NET client.</summary>
public sealed class ImageTests(NodeFixture node)
{
    [Fact]
    public async Task The_options_of_an_image_are_in_the_prompt()
    {
        var options = new ImageGenerationOptions
        {
            Size = GeneratedImageSize.W1024xH1024,
            Quality = GeneratedImageQuality.High,
            ResponseFormat = GeneratedImageFormat.Uri,
            EndUserId = "somebody",
        };

        var image = (await node.Images(node.NewModel()).GenerateImageAsync("A cat on a wall [[image say=\"A grey one.\"]]", options, TestTimeout.Token)).Value;

        Assert.Equal("/coze/sandbox/image.png", image.ImageUri.AbsolutePath);
        Assert.Equal("A grey one.", image.RevisedPrompt);
        var prompts = node.Coze.Chats.Select(chat => chat.Prompt).Where(prompt => prompt.Contains("A cat on a wall", StringComparison.Ordinal));
        Assert.Contains(prompts, prompt => prompt.Contains("Size: 1024x1024. Quality: hd.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Several_images_are_drawn_concurrently()
    {
        var client = node.Images(node.NewModel());
        var images = (await client.GenerateImagesAsync("Cats [[image pace=5ms]]", 3, new ImageGenerationOptions(), TestTimeout.Token)).Value;

        Assert.Equal(3, images.Count);
        Assert.All(images, image => Assert.NotNull(image.ImageUri));
    }

    [Fact]
    public async Task The_error_quotes_a_bot_that_does_not_draw()
    {
        var failure = await GetFailureAsync("A cat [[say=\"I write poems.\"]]", GeneratedImageFormat.Uri);

        Assert.Equal(502, failure.Status);
        Assert.Contains("The bot answered without an image: I write poems.", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>The fake Coze is on this machine, and the node is not in sandbox mode.</summary>
    [Fact]
    public async Task An_image_on_this_machine_is_not_fetched()
    {
        var failure = await GetFailureAsync("A cat [[image]]", GeneratedImageFormat.Bytes);

        Assert.Equal(502, failure.Status);
        Assert.Contains("Its address is not a public one.", failure.Message, StringComparison.Ordinal);
    }

    private Task<ClientResultException> GetFailureAsync(string prompt, GeneratedImageFormat format) => Assert.ThrowsAsync<ClientResultException>(
        () => node.Images(node.NewModel()).GenerateImageAsync(prompt, new ImageGenerationOptions { ResponseFormat = format }, TestTimeout.Token));
}
