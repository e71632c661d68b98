using CozeCluster.Engine.Embedded;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the embedded engine.</summary>
public static class EmbeddedEngineServices
{
    /// <summary>
    /// Adds <see cref="CozeCluster.IGrains"/>, <see cref="CozeCluster.IBlobStore"/> and a hosted service that starts and stops the engine; register it before
    /// whatever calls grains. A <see cref="TimeProvider"/> among the services is used. Grains are made from the root services.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="definitions">Every kind of grain.</param>
    /// <param name="configure">Changes the options.</param>
    /// <exception cref="ArgumentException">An option is out of range; at first use: a grain interface has a method that cannot cross processes.</exception>
    public static IServiceCollection AddEmbeddedEngine(
        this IServiceCollection services, IEnumerable<CozeCluster.GrainDefinition> definitions, Action<EmbeddedEngineOptions>? configure = null)
    {
        var options = new EmbeddedEngineOptions();
        configure?.Invoke(options);
        options.Verify();
        services.AddSingleton(provider => new EmbeddedEngine(provider, definitions, options));
        services.AddSingleton<CozeCluster.IGrains>(provider => provider.GetRequiredService<EmbeddedEngine>());
        services.AddSingleton(provider => provider.GetRequiredService<EmbeddedEngine>().Blobs);
        services.AddHostedService(provider => provider.GetRequiredService<EmbeddedEngine>());
        return services;
    }
}
